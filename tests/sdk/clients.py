"""The two clients, installed from what was built as a user installs them."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.common.platform import PROGRAMS
from tests.common.processes import ROOT
from tests.common.surroundings import bare_environment

PROGRAM = ROOT / "tests" / "sdk" / "programs"


@dataclass(frozen=True)
class Client:
    """A language with its package installed in `folder`."""

    language: str
    folder: Path
    command: tuple[str, ...]

    def does(self, name: str, options: dict[str, Any], /, **arguments: Any) -> dict[str, Any]:
        """Run one of the scenarios: `result`, or `error` with what it carried; and `seconds`."""
        assert self.program.stdin is not None
        assert self.program.stdout is not None
        self.program.stdin.write(json.dumps({"name": name, "options": options, "arguments": arguments}) + "\n")
        self.program.stdin.flush()
        line = self.program.stdout.readline()
        assert line, f"the program ended:\n{(self.folder / 'program.log').read_text()}"
        answer: dict[str, Any] = json.loads(line)
        return answer

    @cached_property
    def program(self) -> "subprocess.Popen[str]":
        """The user's program, started once."""
        scenario = "scenario.py" if self.language == "python" else "scenario.mjs"
        with (self.folder / "program.log").open("w") as log:
            return subprocess.Popen(
                [*self.command, scenario],
                cwd=self.folder,
                env=bare_environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def close(self) -> None:
        """End the program."""
        self.program.communicate(timeout=20)

    def run(self, program: str, *arguments: str, **environment: str) -> str:
        """Run a program of the folder. Returns what it printed."""
        done = subprocess.run(
            [*self.command, program, *arguments],
            cwd=self.folder,
            env=bare_environment(**environment),
            capture_output=True,
            text=True,
            timeout=90,
        )
        assert done.returncode == 0, f"{program} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return done.stdout


def python_client(built: Path, folder: Path) -> Client:
    """What was built for Python, with the scenarios and examples beside it."""
    client = install_python(next(built.glob("*.whl")), folder)
    shutil.copy(PROGRAM / "scenario.py", folder)
    for example in (built / "levqor-sdk" / "examples" / "python").iterdir():
        shutil.copy(example, folder)
    return client


def install_python(wheel: Path, folder: Path) -> Client:
    """The wheel in an environment of its own, with what it says that it needs and nothing else."""
    uv = shutil.which("uv") or str(PROGRAMS / "uv")
    _run(uv, "venv", "-q", "--python", sys.executable, folder / "venv")
    constraints = ROOT / "requirements" / "sdk.txt"
    python = folder / "venv" / "bin" / "python"
    _run(uv, "pip", "install", "-q", "--python", python, "-c", constraints, wheel)
    return Client("python", folder, (str(python), "-W", "error"))


def typescript_client(built: Path, folder: Path) -> Client:
    """What was built for TypeScript, with the scenarios, and the examples compiled against its types."""
    client = install_typescript(next(built.glob("*.tgz")), folder)
    shutil.copy(PROGRAM / "scenario.mjs", folder)
    for example in (built / "levqor-sdk" / "examples" / "typescript").iterdir():
        shutil.copy(example, folder)
    modules = built / "work" / "typescript" / "node_modules"
    options = ["--strict", "--target", "ES2022", "--module", "NodeNext", "--lib", "ES2022,DOM", "--types", "node"]
    compiler = ["node", modules / "typescript" / "bin" / "tsc", *options, "--typeRoots", modules / "@types"]
    _run(*compiler, *sorted(folder.glob("*.ts")), cwd=folder)
    return client


def install_typescript(tarball: Path, folder: Path) -> Client:
    """The tarball in a project of its own, offline: it needs nothing else."""
    (folder / "package.json").write_text('{"name": "trial", "private": true, "type": "module"}')
    _run("npm", "install", "--offline", "--no-audit", "--no-fund", tarball, cwd=folder)
    return Client("typescript", folder, ("node",))


def _run(*command: str | Path, cwd: Path | None = None) -> None:
    done = subprocess.run(command, cwd=cwd, env=os.environ, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{command}:\n{done.stdout}\n{done.stderr}"
