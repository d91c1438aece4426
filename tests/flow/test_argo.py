"""The flow compiled for Argo Workflows: each step's pod asks for what its decorator wishes."""

import json

import pytest

from tests.flow.conftest import CONFIG, flow


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
