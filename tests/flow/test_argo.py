"""The flow compiled for Argo Workflows: each step's pod asks for what its decorator wishes."""

import json

import pytest
import yaml

from tests.flow.conftest import CONFIG, flow

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def pods(s3_environment, tmp_path_factory):
    """Pod template of each step."""
    run = flow(
        ["argo-workflows", "create", "--only-json"],
        s3_environment,
        tmp_path_factory.mktemp("argo"),
        compute=CONFIG / "compute" / "kubernetes.yaml",
    )
    assert run.returncode == 0, run.stderr
    templates = json.loads(run.stdout)["spec"]["templates"]
    return {template["name"]: template for template in templates if "container" in template}


def test_all_six_steps_become_pods(pods):
    assert {"start", "extract", "augment", "embed", "train", "end"} <= set(pods)


@pytest.mark.parametrize(
    ("step", "product", "cpu", "memory"),
    [
        ("embed", "NVIDIA-A100-SXM4-40GB", "11", "120000M"),
        ("train", "Tesla-V100-SXM2-16GB", "7", "50000M"),
    ],
)
def test_gpu_steps_ask_for_their_gpu_model(pods, step, product, cpu, memory):
    pod = pods[step]
    resources = pod["container"]["resources"]
    assert pod["nodeSelector"] == {"nvidia.com/gpu.product": product}
    assert pod["tolerations"] == [
        {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}
    ]
    assert resources["limits"]["nvidia.com/gpu"] == "1"
    assert (resources["requests"]["cpu"], resources["requests"]["memory"]) == (cpu, memory)
    assert resources["requests"]["ephemeral-storage"] == "60000M"
    assert pod["container"]["image"].endswith("/evoflow:0.1.0")
    assert pod["retryStrategy"]["limit"] == 3
    assert pod["retryStrategy"]["backoff"] == {"duration": "2m"}
    assert pod["activeDeadlineSeconds"] == 360 * 60


@pytest.mark.parametrize("step", ["start", "extract", "augment", "end"])
def test_other_steps_ask_for_no_gpu(pods, step):
    assert "nvidia.com/gpu" not in pods[step]["container"]["resources"]["limits"]


EVENTS = {
    f"METAFLOW_ARGO_EVENTS_{name}": name.lower()
    for name in ("EVENT", "EVENT_BUS", "EVENT_SOURCE", "SERVICE_ACCOUNT")
}


def template(environment, folder, *before, compute=None):
    """The workflow template that a command line deploys."""
    words = [*before, "argo-workflows", "create", "--only-json"]
    run = flow(words, environment | EVENTS, folder, compute=compute)
    assert run.returncode == 0, run.stdout + run.stderr
    return json.loads(run.stdout)


def test_a_deployed_flow_starts_by_the_clock_and_upon_an_event(s3_environment, tmp_path):
    compute = yaml.safe_load((CONFIG / "compute" / "kubernetes.yaml").read_text())
    path = tmp_path / "compute.yaml"
    path.write_text(yaml.safe_dump(compute | {"schedule": "0 3 * * 1", "trigger": "clinvar"}))
    found = template(s3_environment, tmp_path, compute=path)["metadata"]
    assert found["name"] == "evoflow.user.tester.evoflow"  # a branch does not replace another
    assert json.loads(found["annotations"]["metaflow/cron"])["schedule"] == "0 3 * * 1"
    (event,) = json.loads(found["annotations"]["metaflow/triggers"])
    assert event == {"name": "clinvar", "type": "event"}


def test_decorators_of_the_command_line_get_along_with_gpu_wishes(s3_environment, tmp_path):
    words = ["--with", "kubernetes:image=any", "--with", "retry:times=2"]
    spec = template(s3_environment, tmp_path, *words)["spec"]
    pods = {pod["name"]: pod for pod in spec["templates"] if "container" in pod}
    limits = {name: pod["container"]["resources"]["limits"] for name, pod in pods.items()}
    assert limits["embed"]["nvidia.com/gpu"] == limits["train"]["nvidia.com/gpu"] == "1"
    assert "nvidia.com/gpu" not in limits["extract"]
    assert pods["embed"]["retryStrategy"]["limit"] == 2


def test_the_machine_of_the_compute_config_goes_before_the_command_lines(s3_environment, tmp_path):
    compute = CONFIG / "compute" / "kubernetes.yaml"
    spec = template(s3_environment, tmp_path, "--with", "kubernetes", compute=compute)["spec"]
    (embed,) = [pod for pod in spec["templates"] if pod["name"] == "embed"]
    assert embed["nodeSelector"] == {"nvidia.com/gpu.product": "NVIDIA-A100-SXM4-40GB"}
