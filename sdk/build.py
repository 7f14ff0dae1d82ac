"""`make sdk`: the API's document becomes two packages, a repository that is ready to publish, and a manifest of it.

The arguments are a command that tries what was built (it finds it by `SDK_FOLDER`): only what passes is offered.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import django
from django.conf import settings

SOURCES = Path(__file__).resolve().parent
sys.path.insert(0, str(SOURCES.parent))

from levqor import __version__ as VERSION  # noqa: E402 - found by the line above
from levqor.env import settings_module  # noqa: E402

BINARIES = Path(sys.executable).parent
GENERATORS = {"python": "python", "typescript": "typescript-fetch"}
GENERATED = {"python": "src/levqor_sdk/generated", "typescript": "src/generated"}
LOCKED = "npm-lock.sha256"
QUIET = {"DO_NOT_TRACK": "1", "NPM_CONFIG_UPDATE_NOTIFIER": "false", "PYTHONDONTWRITEBYTECODE": "1"}


class BuildError(Exception):
    """A step failed; the message is what it said."""


class Build:
    """One build: its folders and the document it starts from."""

    def __init__(self, folder: Path, document: dict[str, Any]) -> None:
        self.folder, self.work, self.repository = folder, folder / "work", folder / "levqor-sdk"
        self.document = document
        self.base_url: str = document["servers"][0]["url"]

    def run(self, trial: Sequence[str]) -> None:
        """Everything, in order. Raises `BuildError`. No manifest stands for what is half made, or did not pass."""
        manifest = self.folder / "manifest.json"
        manifest.unlink(missing_ok=True)
        for old in (*self.folder.glob("*.whl"), *self.folder.glob("*.tgz")):
            old.unlink()
        self.work.mkdir(parents=True, exist_ok=True)
        self.lay_out()
        for language in GENERATORS:
            self.generate(language)
        files = {"python": self.wheel(), "typescript": self.tarball()}
        fresh = self.folder / "manifest.json.new"
        write_json(fresh, self.manifest(files))
        if trial:
            self.passes(trial)
        fresh.replace(manifest)

    def passes(self, trial: Sequence[str]) -> None:
        """Try what was built. Raises `BuildError`."""
        say(f"  try: {' '.join(trial[-2:])}")
        done = subprocess.run(trial, env={**os.environ, "SDK_FOLDER": str(self.folder)}, stdin=subprocess.DEVNULL)  # noqa: S603 - our own command
        if done.returncode:
            raise BuildError(f"What was built does not pass ({done.returncode}): it is not offered.")

    def lay_out(self) -> None:
        """The repository without what is generated."""
        shutil.rmtree(self.repository, ignore_errors=True)
        shutil.copytree(SOURCES / "repository", self.repository)
        shutil.copytree(SOURCES / "examples", self.repository / "examples")
        for language in GENERATORS:
            unwanted = shutil.ignore_patterns("generator.json", "templates", "__pycache__", "node_modules", "dist")
            shutil.copytree(SOURCES / language, self.repository / language, ignore=unwanted)
        changelog = self.repository / "CHANGELOG.md"
        changelog.write_text(changelog.read_text().replace("## Unreleased", f"## {VERSION}"))
        write_json(self.repository / "openapi.json", self.document)
        package = self.repository / "typescript" / "package.json"
        write_json(package, {**json.loads(package.read_text()), "version": VERSION})
        lock = self.repository / "typescript" / "package-lock.json"
        locked = json.loads(lock.read_text())
        locked["version"] = locked["packages"][""]["version"] = VERSION
        write_json(lock, locked)
        taking = takers_of_keys(self.document)
        (self.repository / "python/src/levqor_sdk/_built.py").write_text(built_python(taking, self.base_url))
        (self.repository / "typescript/src/built.ts").write_text(built_typescript(taking, self.base_url))

    def generate(self, language: str) -> None:
        """The generated part of one client."""
        source, made = self.work / "document.json", self.work / f"generated-{language}"
        write_json(source, without_what_hides_secrets(self.document))
        shutil.rmtree(made, ignore_errors=True)
        command: list[str | Path] = [
            BINARIES / "openapi-generator-cli",
            "generate",
            "-g",
            GENERATORS[language],
            "-i",
            source,
            "-o",
            made,
        ]
        command += ["-c", SOURCES / language / "generator.json"]
        command += ["--global-property", "apiDocs=false,modelDocs=false,apiTests=false,modelTests=false"]
        if (SOURCES / language / "templates").is_dir():
            command += ["-t", SOURCES / language / "templates"]
        step(f"generate {language}", command)
        inside = "levqor_sdk/generated" if language == "python" else "src"
        shutil.copytree(made / inside, self.repository / language / GENERATED[language])

    def wheel(self) -> Path:
        """The Python package."""
        command: list[str | Path] = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", self.folder]
        step("build the wheel", command, self.repository / "python")
        return only(self.folder, "*.whl")

    def tarball(self) -> Path:
        """The npm package. It is built beside the repository, which stays without node_modules and dist."""
        place = self.work / "typescript"
        for part in ("src", "dist"):
            shutil.rmtree(place / part, ignore_errors=True)
        shutil.copytree(self.repository / "typescript", place, dirs_exist_ok=True)
        stamp, lock = place / "node_modules" / LOCKED, sha256(SOURCES / "typescript" / "package-lock.json")
        if not stamp.exists() or stamp.read_text() != lock:
            quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
            step("install the TypeScript compiler", ["npm", "ci", *quiet], place)
            stamp.write_text(lock)
        step("compile TypeScript", ["npm", "run", "--silent", "build"], place)
        step("pack the npm package", ["npm", "pack", "--silent", "--pack-destination", self.folder], place)
        return only(self.folder, "*.tgz")

    def manifest(self, files: dict[str, Path]) -> dict[str, Any]:
        """What is there to be downloaded."""
        packages = {"python": "levqor-sdk", "typescript": "@levqor/sdk"}
        told = [
            {
                "language": language,
                "package": packages[language],
                "name": path.name,
                "bytes": path.stat().st_size,
                "sha256": sha256(path),
            }
            for language, path in files.items()
        ]
        api = self.document["info"]["version"]
        return {"version": VERSION, "api": api, "base_url": self.base_url, "files": told}


def takers_of_keys(document: dict[str, Any]) -> list[tuple[str, str]]:
    """Method and path of each operation that takes an `Idempotency-Key`."""
    return sorted(
        (method.upper(), path)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if any(
            parameter["in"] == "header" and parameter["name"] == "Idempotency-Key"
            for parameter in operation.get("parameters", ())
        )
    )


def without_what_hides_secrets(document: dict[str, Any]) -> dict[str, Any]:
    """The same, but secrets have no lengths: the generator makes plain text of those that have."""
    made: dict[str, Any] = json.loads(json.dumps(document))
    for schema in made["components"]["schemas"].values():
        for member in schema.get("properties", {}).values():
            if member.get("format") == "password":
                member.pop("minLength", None)
                member.pop("maxLength", None)
    return made


def built_python(taking: Sequence[tuple[str, str]], base_url: str) -> str:
    """What the Python layer knows of the document."""
    lines = "".join(f"        ({json.dumps(method)}, {json.dumps(path)}),\n" for method, path in taking)
    return (
        '"""Made with the generated code: what the layer knows of the API\'s document."""\n\n'
        f"VERSION = {json.dumps(VERSION)}\n"
        f"BASE_URL = {json.dumps(base_url)}\n"
        f"IDEMPOTENT = frozenset(\n    {{\n{lines}    }}\n)\n"
    )


def built_typescript(taking: Sequence[tuple[str, str]], base_url: str) -> str:
    """What the TypeScript layer knows of the document."""
    lines = "".join(
        f"  {{ method: {json.dumps(method)}, path: new RegExp({json.dumps(pattern_of(path))}) }},\n"
        for method, path in taking
    )
    return (
        "/** Made with the generated code: what the layer knows of the API's document. */\n"
        f"export const VERSION = {json.dumps(VERSION)};\n"
        f"export const BASE_URL = {json.dumps(base_url)};\n"
        f"export const IDEMPOTENT: {{ method: string; path: RegExp }}[] = [\n{lines}];\n"
    )


def pattern_of(path: str) -> str:
    """A path with parameters as a regular expression."""
    return "^" + re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)) + "$"


def step(name: str, command: Sequence[str | Path], place: Path | None = None) -> None:
    """Run a program and tell how long it took. Raises `BuildError` with what it said."""
    began = time.monotonic()
    say(f"  {name} … ", end="")
    done = subprocess.run(  # noqa: S603 - our own commands
        command, cwd=place, env={**os.environ, **QUIET}, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode:
        raise BuildError(f"{name} failed ({done.returncode}):\n{done.stdout[-6000:]}{done.stderr[-6000:]}")
    say(f"{time.monotonic() - began:.1f} s")


def only(folder: Path, pattern: str) -> Path:
    """The one file of this pattern."""
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise BuildError(f"{len(found)} files {pattern} in {folder}, where one was to be made")
    return found[0]


def sha256(path: Path) -> str:
    """A file's digest."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_json(path: Path, value: Any) -> None:
    """Write JSON that people can read."""
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def say(text: str, end: str = "\n") -> None:
    """Tell how far it is."""
    sys.stdout.write(text + end)
    sys.stdout.flush()


def main(trial: Sequence[str]) -> int:
    """Build into `sdk` of the platform's folder. Returns the exit code."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings_module())
    django.setup()
    from apps.core.api import document

    began, folder = time.monotonic(), settings.VAR_DIR / "sdk"
    say(f"Building the SDKs {VERSION} into {folder}")
    try:
        Build(folder, document()).run(trial)
    except (BuildError, OSError) as error:
        say(f"\n{error}")
        return 1
    for file in json.loads((folder / "manifest.json").read_text())["files"]:
        say(f"  {file['sha256']}  {file['name']}")
    say(f"Done in {time.monotonic() - began:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
