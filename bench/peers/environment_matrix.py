#!/usr/bin/env python3
"""The data path of bench_data in plain Python: `re` and dictionaries, as a chemist would write it.

Usage: environment_matrix.py FORMULAS.csv [COMPOSITIONS.csv] [--repeat N]
Prints one JSON object: the counts and the median time in seconds.
"""
import argparse
import csv
import json
import re
import statistics
import time
from fractions import Fraction
from functools import reduce
from math import gcd, lcm

SYMBOLS = set(
    "Ac Ag Al Am Ar As At Au B Ba Be Bh Bi Bk Br C Ca Cd Ce Cf Cl Cm Cn Co Cr Cs Cu D Db Ds Dy Er Es Eu F Fe Fl Fm Fr Ga Gd "
    "Ge H He Hf Hg Ho Hs I In Ir K Kr La Li Lr Lu Lv Mc Md Mg Mn Mo Mt N Na Nb Nd Ne Nh Ni No Np O Og Os P Pa Pb Pd Pm Po Pr "
    "Pt Pu Ra Rb Re Rf Rg Rh Rn Ru S Sb Sc Se Sg Si Sm Sn Sr T Ta Tb Tc Te Th Ti Tl Tm Ts U V W Xe Y Yb Zn Zr".split()
)
HYDROGEN = {"D": "H", "T": "H"}
CLOSING = {"(": ")", "[": "]"}
TOKEN = re.compile(r"\s*(?:([A-Z][a-z]*)|([(\[])|([)\]]))\s*(\d+\.?\d*|\.\d+)?\s*")


def amount_of(text):
    if text is None:
        return 1
    return Fraction(text.rstrip(".")) if "." in text else int(text)


def parse(formula):
    """{element: amount}, zero amounts left out; ValueError for anything that is not a formula."""
    levels, closings, at = [{}], [], 0
    while at < len(formula):
        token = TOKEN.match(formula, at)
        if token is None:
            raise ValueError(f"unexpected {formula[at]!r}")
        symbol, opening, closing, amount = token.groups()
        at = token.end()
        if opening:
            if amount is not None:
                raise ValueError("an amount without an element")
            levels.append({})
            closings.append(CLOSING[opening])
            continue
        if closing:
            if not closings or closings.pop() != closing:
                raise ValueError("unbalanced brackets")
            inner = levels.pop()
        else:
            if symbol not in SYMBOLS:
                raise ValueError(f"unknown element {symbol!r}")
            inner = {HYDROGEN.get(symbol, symbol): 1}
        factor = amount_of(amount)
        for element, count in inner.items():
            levels[-1][element] = levels[-1].get(element, 0) + count * factor
    if closings:
        raise ValueError("unbalanced brackets")
    composition = {element: count for element, count in levels[0].items() if count != 0}
    if not composition:
        raise ValueError("nothing left")
    return composition


def smallest_integers(composition):
    """Sorted (element, integer) pairs."""
    amounts = composition.values()
    if all(isinstance(amount, int) for amount in amounts):
        integers = composition
    else:
        scale = lcm(*(Fraction(amount).denominator for amount in amounts))
        integers = {element: int(amount * scale) for element, amount in composition.items()}
    common = reduce(gcd, integers.values())
    return tuple(sorted((element, amount // common) for element, amount in integers.items()))


def environment_matrix(path):
    with open(path, newline="", encoding="utf-8-sig") as file:
        rows = (line for line in file if not line.startswith("#"))
        formulas = [row["formula"] for row in csv.DictReader(rows)]
    rejects, distinct, columns = 0, set(), {}
    for formula in formulas:
        try:
            distinct.add(smallest_integers(parse(formula)))
        except ValueError:
            rejects += 1
    for composition in distinct:
        if len(composition) < 2:
            continue
        for i, (element, amount) in enumerate(composition):
            environment = (amount, composition[:i] + composition[i + 1 :])
            columns.setdefault(environment, set()).add(element)
    groups = {}
    for elements in columns.values():
        pattern = frozenset(elements)
        groups[pattern] = groups.get(pattern, 0) + 1
    return {
        "formulas": len(formulas),
        "formula_rejects": rejects,
        "distinct": len(distinct),
        "elements": len(set().union(*groups)),
        "environments": len(columns),
        "ones": sum(len(elements) for elements in columns.values()),
        "groups": len(groups),
        "grouped_ones": sum(len(pattern) for pattern in groups),
    }


def aggregate(path):
    with open(path, newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(line for line in file if not line.startswith("#"))
        header = next(reader)
        formula_column = header.index("formula")
        value_column = next(i for i in range(len(header)) if i != formula_column)
        rows = list(reader)
    fields, rejects = {}, 0
    for row in rows:
        try:
            field = tuple(sorted(parse(row[formula_column])))
            value = float(row[value_column])
        except ValueError:
            rejects += 1
            continue
        if field not in fields:
            fields[field] = [value, value, 1, row[formula_column]]
            continue
        record = fields[field]
        record[1] = min(record[1], value)
        record[2] += 1
        if value > record[0]:
            record[0], record[3] = value, row[formula_column]
    return {"rows": len(rows), "rejects": rejects, "fields": len(sorted(fields))}


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("formulas")
    arguments.add_argument("compositions", nargs="?")
    arguments.add_argument("--repeat", type=int, default=5)
    options = arguments.parse_args()
    seconds, counts = [], {}
    for _ in range(options.repeat):
        begin = time.process_time()
        counts = environment_matrix(options.formulas)
        if options.compositions:
            counts.update(aggregate(options.compositions))
        seconds.append(time.process_time() - begin)
    print(json.dumps({**counts, "median_seconds": statistics.median(seconds), "repeats": options.repeat}))


if __name__ == "__main__":
    main()
