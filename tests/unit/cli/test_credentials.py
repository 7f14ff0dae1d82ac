"""Logins on disk: closed to others, replaced whole, kept apart by host, guarded across processes."""

import json
import multiprocessing
import stat
from pathlib import Path

import pytest
from levqor_cli.credentials import CredentialStore, Login, default_path
from levqor_cli.errors import CliError
from levqor_cli.exit_codes import ExitCode

LOGIN = Login("a", "r", 2_000_000_000.0, "owner@example.com", "Example Ltd")


def save(store: CredentialStore, url: str, login: Login = LOGIN) -> None:
    with store.locked() as book:
        book.logins[url] = login
        book.default_url = url
        book.save()


def test_what_was_saved_is_read_and_hosts_are_kept_apart(store: CredentialStore) -> None:
    save(store, "https://one.example")
    save(store, "https://two.example", Login("b", "s", 1.0))
    book = store.read()
    assert book.logins == {"https://one.example": LOGIN, "https://two.example": Login("b", "s", 1.0)}
    assert book.default_url == "https://two.example"


def test_file_and_folder_are_closed_to_others(store: CredentialStore) -> None:
    save(store, "https://one.example")
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o700


def test_an_open_file_is_closed_when_read(store: CredentialStore) -> None:
    save(store, "https://one.example")
    store.path.chmod(0o644)
    store.read()
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600


def test_a_failed_write_leaves_the_old_file_and_no_rubbish(
    store: CredentialStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(store, "https://one.example")

    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(OSError, match="No space"):
        save(store, "https://two.example")
    assert list(store.read().logins) == ["https://one.example"]
    assert sorted(path.name for path in store.path.parent.iterdir()) == ["credentials.json", "credentials.lock"]


def test_a_symlink_stays_a_symlink(store: CredentialStore, tmp_path: Path) -> None:
    save(store, "https://one.example")
    dotfiles = tmp_path / "dotfiles"
    dotfiles.mkdir()
    store.path.rename(dotfiles / "credentials.json")
    store.path.symlink_to(dotfiles / "credentials.json")
    save(store, "https://two.example")
    assert store.path.is_symlink()
    assert len(json.loads((dotfiles / "credentials.json").read_text())["hosts"]) == 2


@pytest.mark.parametrize("text", ["{", "[]", '{"hosts": []}', '{"hosts": {"https://x": {"access": "a"}}}', "\xff"])
def test_a_damaged_file_is_said_plainly(store: CredentialStore, text: str) -> None:
    store.path.parent.mkdir(parents=True)
    store.path.write_bytes(text.encode("latin-1"))
    with pytest.raises(CliError, match="damaged") as caught:
        store.read()
    assert caught.value.exit_code is ExitCode.REFUSED


def add_logins(path: str, name: str, count: int) -> None:
    for number in range(count):
        save(CredentialStore(Path(path)), f"https://{name}{number}.example")


def test_processes_that_write_at_once_lose_nothing(store: CredentialStore) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=add_logins, args=(str(store.path), name, 10)) for name in ("a", "b", "c")]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert len(store.read().logins) == 30


def test_the_place_follows_xdg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/example")
    assert default_path({"XDG_CONFIG_HOME": "/etc/x"}) == Path("/etc/x/levqor/credentials.json")
    assert default_path({"XDG_CONFIG_HOME": "relative"}) == Path("/home/example/.config/levqor/credentials.json")
    assert default_path({}) == Path("/home/example/.config/levqor/credentials.json")
