"""The image of remote tasks, checked without an engine: its lint, its paths and its commands."""

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT

pytestmark = pytest.mark.slow
DOCKERFILE = ROOT / "config" / "Dockerfile"


@pytest.fixture(scope="module")
def instructions():
    """Instruction and arguments, continued lines joined."""
    text = DOCKERFILE.read_text().replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines()]
    return [tuple(line.split(maxsplit=1)) for line in lines if line and line[0] != "#"]


def arguments_of(instructions, name):
    return [arguments for instruction, arguments in instructions if instruction == name]


def run(*command, cwd=ROOT):
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.fixture
def context(instructions, tmp_path):
    """The folder in the image in which the package is built."""
    for copied in arguments_of(instructions, "COPY"):
        *sources, target = copied.split()
        for source in sources:
            place = tmp_path / target
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, place)
            else:
                shutil.copy(ROOT / source, place)
    return tmp_path


def test_hadolint_has_nothing_to_say():
    linter = Path(sys.executable).parent / "hadolint"
    done = subprocess.run([linter, DOCKERFILE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_base_image_is_a_pinned_cuda_runtime(instructions):
    (base,) = arguments_of(instructions, "FROM")
    assert re.fullmatch(r"nvidia/cuda:\d+\.\d+\.\d+-(base|runtime)-ubuntu24\.04", base)
    (index,) = arguments_of(instructions, "ARG")
    major, minor = re.search(r":(\d+)\.(\d+)", base).groups()
    assert index.endswith(f"/cu{major}{minor}"), "torch must fit the CUDA of the image"


def test_the_environment_spares_installing_at_each_start(instructions):
    (environment,) = arguments_of(instructions, "ENV")
    values = dict(word.split("=", 1) for word in shlex.split(environment))
    assert values["METAFLOW_SKIP_INSTALL_DEPENDENCIES"] == "1"
    assert values["PATH"].split(":")[0] == "/opt/evoflow/bin"
    cache = Path(values["EVOFLOW_CACHE"]).parent
    assert Path(values["HF_HOME"]).parent == cache
    batch = yaml.safe_load((ROOT / "config" / "compute" / "batch.yaml").read_text())
    assert list(batch["gpus"]["A100"]["volumes"].values()) == [str(cache)]


def test_every_command_is_sound(instructions, context):
    commands = arguments_of(instructions, "RUN")
    for command in commands:
        run("bash", "-n", "-c", command)
    assert "python3 -m venv /opt/evoflow" in commands[0]
    (pin,) = re.findall(r"\$\((.*?)\)", commands[1])
    assert re.fullmatch(r"torch==[\d.]+", run("bash", "-c", pin, cwd=context))
    imported = re.search(r'python -c "(.*)"', commands[2])[1]
    run(sys.executable, "-W", "ignore", "-c", imported, cwd=context)


def test_all_requirements_are_pinned_and_those_of_metaflow_are_among_them(context):
    lines = (context / "requirements.txt").read_text().split()
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines)
    assert {"boto3", "requests", "torch"} <= {line.partition("==")[0] for line in lines}


def test_the_package_is_built_from_what_is_copied(context):
    run(
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--wheel-dir",
        "out",
        ".",
        cwd=context,
    )
    (wheel,) = (context / "out").glob("*.whl")
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert wheel.name.startswith(f"evoflow-{version}-")
    with zipfile.ZipFile(wheel) as archive:
        modules = {name for name in archive.namelist() if name.endswith(".py")}
    assert {"evoflow/compute.py", "evoflow/embed/evo1/modeling.py"} <= modules


def test_the_examples_name_the_image_that_is_built():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"-t evoflow:{version} ." in DOCKERFILE.read_text()
    for target in ("batch", "kubernetes"):
        compute = yaml.safe_load((ROOT / "config" / "compute" / f"{target}.yaml").read_text())
        assert compute["image"].endswith(f"/evoflow:{version}")
