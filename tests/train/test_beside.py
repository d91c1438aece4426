import os
import subprocess
import sys

import pytest
import torch

from evoflow.train.beside import beside


def who(threads):
    return os.getpid(), torch.get_num_threads(), threads


def threads_of_scikit_learn():
    import sklearn.ensemble  # noqa: F401
    from threadpoolctl import threadpool_info

    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "openmp"}


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def test_two_cores_are_shared_with_a_second_process(threads):
    threads(2)
    with beside(torch.device("cpu")) as later:
        result = later(who, threads=7)
        assert torch.get_num_threads() == 1
        process, theirs, given = result()
        assert later(threads_of_scikit_learn)() == {1}
    assert process != os.getpid()
    assert (theirs, given) == (1, 7)
    assert torch.get_num_threads() == 2


def test_on_one_core_the_work_is_done_afterwards(threads):
    threads(1)
    with beside(torch.device("cpu")) as later:
        assert later(who, 7)() == (os.getpid(), 1, 7)


def test_beside_a_gpu_too(threads):
    threads(2)
    with beside(torch.device("cuda")) as later:
        assert later(who, 7)()[0] == os.getpid()


def test_the_script_is_not_run_again_even_without_a_main_guard(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import os, torch\n"
        "from evoflow.train.beside import beside\n"
        "print('script')\n"
        "torch.set_num_threads(2)\n"
        "with beside(torch.device('cpu')) as later:\n"
        "    print(later(os.getppid)() == os.getpid())\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["script", "True"]


def own(number):
    return number + 1


def test_a_function_of_the_script_itself_is_done_here(threads, monkeypatch):
    threads(2)
    monkeypatch.setattr(own, "__module__", "__main__")
    monkeypatch.setattr(sys.modules["__main__"], "own", own, raising=False)
    with beside(torch.device("cpu")) as later:
        assert later(own, 7)() == 8
