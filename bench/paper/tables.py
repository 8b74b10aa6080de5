"""Tables that jobs read and that are made of the published ones."""
import hashlib
import random
import re


def symbols(formula):
    """Its elements; deuterium and tritium are hydrogen."""
    return {"H" if symbol in ("D", "T") else symbol for symbol in re.findall("[A-Z][a-z]?", formula)}


def indicator_formulas(formulas, target):
    """Formulas in which every element that `formulas` names has one environment of its own, all with hydrogen."""
    all_symbols = set().union(*map(symbols, formulas.read_text().splitlines()[1:]))
    lines = [f"{symbol}H{i + 2}" for i, symbol in enumerate(sorted(all_symbols - {"H"}))]
    target.write_text("\n".join(["formula", *lines]) + "\n")


def set_aside(properties, kept, aside):
    """15 % of the rows, drawn before the defaults were chosen: by this seed, from this order of rows. The other rows are
    what they were chosen on."""
    header, *rows = [line for line in properties.read_text().split("\n") if line]
    random.Random(20261124).shuffle(rows)
    count = int(0.15 * len(rows))
    aside.write_text("\n".join([header, *rows[:count]]) + "\n")
    kept.write_text("\n".join([header, *rows[count:]]) + "\n")


def is_left_out(field):
    """A fifth of the ternary fields, whatever they are: by hash."""
    return len(field) == 3 and hashlib.sha256(" ".join(sorted(field)).encode()).digest()[0] % 5 == 0


def without_a_fifth(formulas, properties, formulas_target, properties_target):
    """The formulas without those of a fifth of the ternary fields, and the property table with these fields: they stay
    known, and only the environment matrix no longer knows them. Every element keeps an environment."""
    header, *lines = formulas.read_text().splitlines()
    fields = [frozenset(symbols(line)) for line in lines]
    modelled = frozenset().union(*(field for field in fields if len(field) > 1 and not is_left_out(field)))
    left_out = {field for field in fields if is_left_out(field) and field <= modelled}
    kept = [line for line, field in zip(lines, fields) if field not in left_out]
    formulas_target.write_text("\n".join([header, *kept]) + "\n")
    rows = sorted(" ".join(sorted(field)) + ",0\n" for field in left_out)
    properties_target.write_text(properties.read_text().rstrip("\n") + "\n" + "".join(rows))
