"""Limits of containers, as both versions of cgroups write them."""

import pytest

from evoflow.devices import cgroups


@pytest.fixture
def system(tmp_path, monkeypatch):
    """Writes files of a pretended /sys/fs/cgroup, and this process's groups."""
    monkeypatch.setattr(cgroups, "ROOT", tmp_path / "cgroup")
    monkeypatch.setattr(cgroups, "MEMBERSHIP", tmp_path / "membership")

    def write(membership, files):
        (tmp_path / "membership").write_text(membership)
        for name, text in files.items():
            path = tmp_path / "cgroup" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    return write


VERSION_2 = {
    "memory.max": "1000\n",
    "memory.current": "700\n",
    "memory.stat": "anon 400\ninactive_file 250\nactive_file 50\n",
    "cpu.max": "150000 100000\n",
}
VERSION_1 = {
    "memory/memory.limit_in_bytes": "1000\n",
    "memory/memory.usage_in_bytes": "700\n",
    "memory/memory.stat": "inactive_file 1\ntotal_inactive_file 250\n",
    "cpu,cpuacct/cpu.cfs_quota_us": "150000\n",
    "cpu,cpuacct/cpu.cfs_period_us": "100000\n",
}
IN_A_CONTAINER_OF_1 = "5:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc\n"
"""The path is the host's; the container sees its own group at the top."""


@pytest.mark.parametrize(
    ("membership", "files"), [("0::/\n", VERSION_2), (IN_A_CONTAINER_OF_1, VERSION_1)]
)
def test_a_container_has_what_its_limits_leave(system, membership, files):
    system(membership, files)
    assert cgroups.memory_available() == 1000 - 700 + 250
    assert cgroups.cpu_quota() == 1.5


def test_the_tightest_level_counts(system):
    nested = {f"job/{name}": text for name, text in VERSION_2.items()}
    system("0::/job/step\n", nested | {"job/step/memory.max": "max\n", "cpu.max": "400000 100000"})
    assert cgroups.memory_available() == 550
    assert cgroups.cpu_quota() == 1.5


@pytest.mark.parametrize(
    ("membership", "files"),
    [
        ("0::/\n", {"memory.max": "max\n", "memory.current": "5\n", "cpu.max": "max 100000\n"}),
        (
            "4:memory:/\n1:cpu:/\n",
            {
                "memory/memory.limit_in_bytes": "9223372036854771712\n",
                "memory/memory.usage_in_bytes": "5\n",
                "cpu/cpu.cfs_quota_us": "-1\n",
                "cpu/cpu.cfs_period_us": "100000\n",
            },
        ),
        ("", {}),
    ],
)
def test_no_limit_is_no_limit(system, membership, files):
    system(membership, files)
    assert cgroups.memory_available() is None
    assert cgroups.cpu_quota() is None


def test_this_machine_answers():
    available, quota = cgroups.memory_available(), cgroups.cpu_quota()
    assert available is None or available > 0
    assert quota is None or quota > 0
