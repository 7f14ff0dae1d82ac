"""The files of processes that ended are added up, so that there are few and no count goes down."""

import os
import socket
import subprocess
import sys
import time

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.mmap_dict import MmapedDict, mmap_key
from prometheus_client.multiprocess import MultiProcessCollector

from apps.monitoring.metrics import folder
from levqor.env import Environment
from levqor.settings.observing import FOLDER_VARIABLE, metrics_folder

NO_PROCESS = 1 << 22  # above what Linux numbers processes with


@pytest.fixture
def here(tmp_path, settings):
    settings.METRICS_DIR = tmp_path / "metrics" / "this-host"
    settings.METRICS_DIR.mkdir(parents=True)
    return settings.METRICS_DIR


def write(file, name: str, value: float) -> None:
    made = MmapedDict(str(file))
    made.write_value(mmap_key(name, f"{name}_total", ["kind"], ["a"], "Help."), value, 0.0)
    made.close()


def shown(here) -> list[str]:
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(here))
    return sorted(generate_latest(registry).decode().splitlines())


def test_hundreds_of_restarts_leave_one_file_and_every_count(here):
    for number in range(300):
        write(here / f"counter_{NO_PROCESS + number}.db", "calls", 2)
    write(here / f"counter_{os.getpid()}.db", "calls", 5)
    before = shown(here)
    assert 'calls_total{kind="a"} 605.0' in before
    assert folder.tidy() == 300
    assert sorted(file.name for file in here.glob("*.db")) == [f"counter_{os.getpid()}.db", "counter_ended.db"]
    assert shown(here) == before
    write(here / f"counter_{NO_PROCESS}.db", "calls", 1)
    assert folder.tidy() == 1
    assert 'calls_total{kind="a"} 606.0' in shown(here)
    assert folder.tidy() == 0


def test_a_gauge_of_a_process_ends_with_it(here):
    write(here / f"gauge_livesum_{NO_PROCESS}.db", "threads", 7)
    assert folder.tidy() == 1
    assert list(here.glob("*.db")) == []


def test_nobody_else_reads_them(here):
    write(here / f"counter_{NO_PROCESS}.db", "calls", 2)
    write(here / f"counter_{os.getpid()}.db", "calls", 2)
    folder.tidy()
    assert {file.stat().st_mode & 0o777 for file in here.glob("*.db")} == {0o600}


@pytest.mark.parametrize("before", [None, 0o755])
def test_nobody_else_gets_into_the_folder(before, tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, "")
    named = tmp_path / "metrics" / socket.gethostname()
    if before:
        named.mkdir(mode=before, parents=True)
    made = metrics_folder(Environment(LEVQOR_VAR=tmp_path))
    assert made.parent == named.parent
    assert made.stat().st_mode & 0o777 == 0o700


def test_a_file_that_was_cut_off_spoils_no_other(here):
    write(here / f"counter_{NO_PROCESS}.db", "calls", 2)
    (here / f"counter_{NO_PROCESS + 1}.db").write_bytes(b"\xff\x00\x00\x00")
    (here / f"counter_{NO_PROCESS + 2}.db").write_bytes(b"")
    folder.tidy()
    assert 'calls_total{kind="a"} 2.0' in shown(here)


def test_what_real_processes_counted_is_merged_and_stays(here):
    code = (
        "from prometheus_client import Counter, Histogram\n"
        "Counter('done', 'Help.', ['kind']).labels('a').inc(3)\n"
        "Histogram('took', 'Help.', buckets=(0.1, 1)).observe(0.5)\n"
    )
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(here)}
    for _number in range(2):
        subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    before = shown(here)
    assert 'done_total{kind="a"} 6.0' in before
    assert 'took_bucket{le="1.0"} 2.0' in before
    assert folder.tidy() == 4
    assert shown(here) == before


def test_folders_of_machines_that_are_gone_go(here):
    old, living, strange = (here.parent / name for name in ("old", "living", "strange"))
    for other in (old, living):
        other.mkdir()
        (other / ".alive").touch()
    strange.mkdir()
    long_ago = time.time() - folder.OTHERS_KEPT_SECONDS - 10
    os.utime(old / ".alive", (long_ago, long_ago))
    folder.tidy()
    assert sorted(one.name for one in here.parent.iterdir()) == ["living", "strange", "this-host"]


def test_a_start_of_the_platform_begins_anew(here):
    write(here / f"counter_{NO_PROCESS}.db", "calls", 2)
    folder.empty()
    assert list(here.glob("*.db")) == []
