"""The flow compiled for Argo Workflows: each step's pod asks for what its decorator wishes."""

import json

import pytest
import yaml

from tests.flow.conftest import CONFIG, flow

pytestmark = pytest.mark.slow


EVENTS = {
    f"METAFLOW_ARGO_EVENTS_{name}": name.lower()
    for name in ("EVENT", "EVENT_BUS", "EVENT_SOURCE", "SERVICE_ACCOUNT")
}


def deployed(environment, folder, *before, compute=None):
    """The workflow template that a command line deploys, and the pod template of each step."""
    words = [*before, "argo-workflows", "create", "--only-json"]
    run = flow(words, environment | EVENTS, folder, compute=compute)
    assert run.returncode == 0, run.stdout + run.stderr
    workflow = json.loads(run.stdout)
    templates = workflow["spec"]["templates"]
    return workflow, {pod["name"]: pod for pod in templates if "container" in pod}


@pytest.fixture(scope="module")
def scheduled(s3_environment, tmp_path_factory):
    """What the example for Kubernetes deploys with a schedule and a trigger."""
    folder = tmp_path_factory.mktemp("argo")
    compute = yaml.safe_load((CONFIG / "compute" / "kubernetes.yaml").read_text())
    path = folder / "compute.yaml"
    path.write_text(yaml.safe_dump(compute | {"schedule": "0 3 * * 1", "trigger": "clinvar"}))
    return deployed(s3_environment, folder, compute=path)


@pytest.fixture(scope="module")
def pods(scheduled):
    return scheduled[1]


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


def test_a_deployed_flow_starts_by_the_clock_and_upon_an_event(scheduled):
    found = scheduled[0]["metadata"]
    assert found["name"] == "evoflow.user.tester.evoflow"  # a branch does not replace another
    assert json.loads(found["annotations"]["metaflow/cron"])["schedule"] == "0 3 * * 1"
    (event,) = json.loads(found["annotations"]["metaflow/triggers"])
    assert event == {"name": "clinvar", "type": "event"}


def test_decorators_of_the_command_line_get_along_with_gpu_wishes(s3_environment, tmp_path):
    words = ["--with", "kubernetes:image=any", "--with", "retry:times=2"]
    _, pods = deployed(s3_environment, tmp_path, *words)
    limits = {name: pod["container"]["resources"]["limits"] for name, pod in pods.items()}
    assert limits["embed"]["nvidia.com/gpu"] == limits["train"]["nvidia.com/gpu"] == "1"
    assert "nvidia.com/gpu" not in limits["extract"]
    assert pods["embed"]["retryStrategy"]["limit"] == 2


def test_the_machine_of_the_compute_config_goes_before_the_command_lines(s3_environment, tmp_path):
    compute = CONFIG / "compute" / "kubernetes.yaml"
    _, pods = deployed(s3_environment, tmp_path, "--with", "kubernetes", compute=compute)
    assert pods["embed"]["nodeSelector"] == {"nvidia.com/gpu.product": "NVIDIA-A100-SXM4-40GB"}
