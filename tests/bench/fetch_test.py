"""configs/fetch_published_tables.py on a repository of its own. Exit code 77: skipped, there is no git."""
import contextlib
import hashlib
import io
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import unittest.mock

if not shutil.which("git"):
    print("SKIPPED: there is no git")
    sys.exit(77)

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "configs"))
import fetch_published_tables as fetch

TABLE = "phases,max Tc\nFe O,400\nCo O,290\nNi O,520\n"
FORMULAS = ["NaCl", "KCl"]


class Fetch(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.root = pathlib.Path(temporary.name)
        self.source, self.data = self.root / "source", self.root / "data"
        (self.source / "DATA").mkdir(parents=True)
        self.git("init", "-q")
        self.commit = self.add(TABLE)
        for name, value in {"TABLES": {"magnets.csv": ("DATA/magnets.csv", "max Tc", 300, True, 3, 2)},
                            "FORMULA_COUNT": 2, "RECORDED_SUMS": self.root / "SHA256SUMS"}.items():
            patch = unittest.mock.patch.object(fetch, name, value)
            patch.start()
            self.addCleanup(patch.stop)

    def git(self, *arguments):
        command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
        return subprocess.run(command, cwd=self.source, check=True, capture_output=True, text=True).stdout.strip()

    def add(self, table):
        (self.source / "DATA/magnets.csv").write_text(table)
        (self.source / "formulas.json").write_text(json.dumps({"names": FORMULAS}))
        self.git("add", ".")
        self.git("commit", "-q", "-m", "tables")
        return self.git("rev-parse", "HEAD")

    def fetch(self, commit):
        arguments = ["fetch", "--repository", str(self.source), "--output", str(self.data), "--commit", commit]
        said = io.StringIO()
        with unittest.mock.patch.object(sys, "argv", arguments), contextlib.redirect_stdout(said):
            fetch.main()
        return said.getvalue()

    def refusal(self, commit):
        with self.assertRaises(fetch.Failure) as caught:
            self.fetch(commit)
        self.assertFalse(self.data.exists(), "something was written")
        return str(caught.exception)

    def test_tables_and_their_checksums(self):
        said = self.fetch(self.commit)
        self.assertIn(self.commit, said)
        self.assertIn("checksums were not", said)
        self.assertEqual((self.data / "magnets.csv").read_text(), "phases,max Tc\nFe O,400.0\nCo O,290.0\nNi O,520.0\n")
        self.assertEqual((self.data / "mp_formulas.csv").read_text(), "formula\nNaCl\nKCl\n")
        self.assertEqual(sorted(p.name for p in self.data.iterdir()), ["SHA256SUMS", "magnets.csv", "mp_formulas.csv"])
        for line in (self.data / "SHA256SUMS").read_text().splitlines():
            digest, name = line.split()
            self.assertEqual(digest, hashlib.sha256((self.data / name).read_bytes()).hexdigest())

    def test_names_have_no_say(self):
        other = self.add(TABLE.replace("400", "900"))
        for digits in (self.commit[:7], self.commit):
            self.git("tag", digits, other)
            self.git("branch", digits, other)
            self.assertIn(self.commit, self.fetch(digits))
            self.assertIn("Fe O,400.0", (self.data / "magnets.csv").read_text())

    def test_what_is_no_commit(self):
        self.git("tag", "v1")
        self.assertIn("is no commit", self.refusal("v1"))
        self.assertIn("is no commit", self.refusal("HEAD"))
        self.assertIn("0 commits", self.refusal("0" * 40 if not self.commit.startswith("0" * 7) else "1" * 40))

    def test_recorded_checksums(self):
        self.fetch(self.commit)
        shutil.copy(self.data / "SHA256SUMS", self.root)
        shutil.rmtree(self.data)
        self.assertNotIn("checksums were not", self.fetch(self.commit))
        shutil.rmtree(self.data)
        changed = self.add(TABLE.replace("400", "401"))  # the counts are the same
        self.assertIn("magnets.csv has the SHA-256", self.refusal(changed))
        (self.root / "SHA256SUMS").write_text("")
        self.assertIn("not the recorded None", self.refusal(self.commit))

    def test_other_counts(self):
        self.assertIn("nothing was written", self.refusal(self.add(TABLE.replace("290", "310"))))

    def test_what_git_says_does_nothing_to_a_terminal(self):
        self.assertEqual(fetch.shown("a\x1b[31m\u202eb\n"), "a\\x1b[31m\\u202eb\\n")


if __name__ == "__main__":
    unittest.main()
