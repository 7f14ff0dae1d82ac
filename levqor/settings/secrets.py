"""The installation's own keys: from the environment, or made once and kept in `var/secrets.json` (mode 600)."""

import json
import os
import secrets

from cryptography.fernet import Fernet

from levqor.env import Environment


def _kept(env: Environment) -> dict[str, str]:
    path = env.LEVQOR_VAR / "secrets.json"
    if path.exists():
        return dict(json.loads(path.read_text()))
    path.parent.mkdir(parents=True, exist_ok=True)
    made = {"SECRET_KEY": secrets.token_urlsafe(60), "ENCRYPTION_KEY": Fernet.generate_key().decode()}
    temporary = path.with_suffix(f".{os.getpid()}")
    temporary.touch(mode=0o600)
    temporary.write_text(json.dumps(made))
    try:
        os.link(temporary, path)  # atomic and never overwrites: two first starts agree on one set of keys
    except FileExistsError:
        return dict(json.loads(path.read_text()))
    finally:
        temporary.unlink()
    return made


def secret_key(env: Environment) -> str:
    """Django's signing key."""
    return env.SECRET_KEY or _kept(env)["SECRET_KEY"]


def encryption_keys(env: Environment) -> list[str]:
    """Fernet keys for stored secrets, the newest first: the first one encrypts, all of them decrypt."""
    return env.ENCRYPTION_KEYS or [_kept(env)["ENCRYPTION_KEY"]]
