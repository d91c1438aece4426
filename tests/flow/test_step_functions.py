"""The flow compiled for AWS Step Functions: each step's job goes to the queue of its GPU model."""

import json

import pytest

from tests.flow.conftest import CONFIG, flow

pytestmark = pytest.mark.slow


@pytest.fixture
def jobs(batch, s3_url, tmp_path):
    """Task of each step, as the state machine describes it."""
    roles = {
        "AWS_ENDPOINT_URL_SFN": s3_url,
        "METAFLOW_SFN_IAM_ROLE": "arn:aws:iam::123456789012:role/states",
        "METAFLOW_SFN_DYNAMO_DB_TABLE": "evoflow",
    }
    run = flow(
        ["step-functions", "create", "--only-json"],
        batch.environment | roles,
        tmp_path,
        compute=CONFIG / "compute" / "batch.yaml",
    )
    assert run.returncode == 0, run.stderr
    return dict(_jobs(json.loads(run.stdout)["States"]))


def _jobs(states):
    for name, state in states.items():
        if state.get("Type") == "Task" and "JobQueue" in state["Parameters"]:
            yield name, state
        if "Iterator" in state:
            yield from _jobs(state["Iterator"]["States"])


def _resources(state):
    wishes = state["Parameters"]["ContainerOverrides"]["ResourceRequirements"]
    return {wish["Type"]: wish["Value"] for wish in wishes}


def test_gpu_steps_go_to_the_queue_of_their_gpu_model(jobs, batch):
    assert set(jobs) == {"start", "extract", "augment", "embed", "train", "end"}
    queues = {step: state["Parameters"]["JobQueue"] for step, state in jobs.items()}
    assert queues["embed"] == "evoflow-a100-p4d"
    assert queues["train"] == "evoflow-v100-p3"
    assert {queues[step] for step in ("start", "extract", "augment", "end")} == {"cpu-queue"}

    assert _resources(jobs["embed"]) == {"GPU": "1", "VCPU": "12", "MEMORY": "120000"}
    assert _resources(jobs["train"]) == {"GPU": "1", "VCPU": "8", "MEMORY": "56000"}
    assert "GPU" not in _resources(jobs["extract"])

    timeouts = {step: state["Parameters"]["Timeout"] for step, state in jobs.items()}
    assert timeouts["embed"] == {"AttemptDurationSeconds": 360 * 60}
    assert jobs["embed"]["Parameters"]["RetryStrategy"] == {"Attempts": 4}
    assert jobs["start"]["Parameters"]["RetryStrategy"] == {"Attempts": 1}

    name = jobs["embed"]["Parameters"]["JobDefinition"].split("/")[1].split(":")[0]
    container = batch.definitions[name]["containerProperties"]
    assert container["linuxParameters"]["sharedMemorySize"] == 8000
    assert container["image"].endswith("/evoflow:0.1.0")
    assert container["mountPoints"] == [
        {"sourceVolume": "_mnt_evoflow-cache", "containerPath": "/cache"}
    ]
