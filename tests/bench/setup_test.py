"""bench/peers/setup.sh without a network: a stand-in for Python notes what it is asked for."""
import os
import pathlib
import subprocess
import tempfile
import unittest

PEERS = pathlib.Path(__file__).resolve().parents[2] / "bench/peers"

# As `python3`: says its age, makes an environment whose Python is the same script, and notes what pip gets.
STAND_IN = """#!/bin/sh
case "$1 $2" in
  "-c "*) exit "$OLD" ;;
  "--version "*) echo "Python 3.9" ;;
  "-m venv") mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
  "-m pip") echo "$*" >>"$PIP_LOG"; exit "$PIP_CODE" ;;
esac
"""


class Setup(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = pathlib.Path(self.folder.name).resolve()
        (self.root / "bin").mkdir()
        stand_in = self.root / "bin/python3"
        stand_in.write_text(STAND_IN)
        stand_in.chmod(0o755)

    def run_setup(self, *arguments, old=0, pip_code=0, gpu=False):
        smi = self.root / "bin/nvidia-smi"
        smi.write_text(f"#!/bin/sh\nexit {0 if gpu else 1}\n")
        smi.chmod(0o755)
        environment = {"PATH": f"{self.root}/bin:{os.environ['PATH']}", "OLD": str(old), "PIP_CODE": str(pip_code),
                       "PIP_LOG": str(self.root / "pip")}
        return subprocess.run([PEERS / "setup.sh", *arguments], cwd=self.root, env=environment, capture_output=True,
                              text=True, check=False)

    def asked(self):
        return (self.root / "pip").read_text()

    def test_a_relative_folder_is_the_callers(self):
        done = self.run_setup("build/venv", "scikit-learn")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout, f"{self.root}/build/venv/bin/python\n")
        self.assertTrue((self.root / "build/venv/bin/python").exists())

    def test_hashes_are_required(self):
        self.run_setup("venv", "scikit-learn", "jax")
        self.assertIn("--require-hashes", self.asked())
        self.assertIn(f"--requirement {PEERS}/requirements/scikit-learn.txt", self.asked())
        self.assertIn(f"--requirement {PEERS}/requirements/jax.txt", self.asked())

    def test_on_a_gpu(self):
        self.run_setup("venv", "jax", "torch", gpu=True)
        self.assertIn("requirements/jax-cuda.txt", self.asked())
        self.assertIn("requirements/torch.txt", self.asked())

    def test_an_old_python_is_told_from_a_hash_that_differs(self):
        old = self.run_setup("venv", "nvcc", old=1)
        self.assertEqual(old.returncode, 0)
        self.assertIn("files are NOT compared", old.stderr)
        self.assertIn("requirements/nvcc.in", self.asked())
        self.assertNotIn("--require-hashes", self.asked())
        (self.root / "pip").unlink()
        refused = self.run_setup("venv", "nvcc", pip_code=1)
        self.assertEqual((refused.returncode, refused.stdout), (1, ""))
        self.assertEqual(self.asked().count("\n"), 1, "pip was asked again")

    def test_unknown_packages(self):
        unknown = self.run_setup("venv", "leftpad")
        self.assertEqual(unknown.returncode, 2)
        self.assertIn("leftpad", unknown.stderr)

    def test_every_requirement_has_a_hash(self):
        for lock in (PEERS / "requirements").glob("*.txt"):
            entries = lock.read_text().replace("\\\n", "").splitlines()
            entries = [entry for entry in entries if entry and not entry.startswith("#")]
            self.assertTrue(entries, lock)
            for entry in entries:
                self.assertRegex(entry, r"^[a-z0-9-]+==[^ ]+ .*--hash=sha256:[0-9a-f]{64}", lock)
            names = {entry.split("==")[0] for entry in entries}
            for line in lock.with_suffix(".in").read_text().splitlines():
                if not line.startswith("#"):
                    self.assertIn(line.split("==")[0].split("[")[0], names)


if __name__ == "__main__":
    unittest.main()
