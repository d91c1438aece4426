"""The real `run` with `@batch`: jobs are processes here, the rest is as on AWS."""

import threading
import time

import pytest
import yaml

from tests.flow.conftest import CONFIG, flow, results, write_configs

pytestmark = pytest.mark.slow


def lose_instance_once(batch):
    """Have the first shard's first job killed after its task has started."""
    lost = []

    def lose(job):
        log = batch.folder / job["jobId"] / ".logs" / "mflog_stdout"
        while not (log.exists() and "Task is starting." in log.read_text()):
            time.sleep(0.05)
        batch.stop(job["jobId"])

    def before_start(job):
        if job["parameters"]["metaflow.step_name"] == "embed" and not lost:
            lost.append(job)
            threading.Thread(target=lose, args=(job,), daemon=True).start()

    batch.before_start = before_start
    return lost


def test_a_run_on_batch_survives_a_lost_instance(batch, undisturbed, tmp_path):
    compute = yaml.safe_load((CONFIG / "compute" / "batch.yaml").read_text())
    changes = {
        "cpu_steps": {"queue": "cpu-queue", "cpu": 2},
        "minutes_between_retries": 0,
        "sequences_per_shard": 300,
        "processes": 1,
        "secrets": [
            {"type": "inline", "id": "lab", "options": {"env_vars": {"LAB_TOKEN": "secret"}}}
        ],
        "environment": {"LAB": "genomics"},
    }
    configs = write_configs(tmp_path, compute=compute | changes)
    environment = batch.environment | {"METAFLOW_DATASTORE_SYSROOT_LOCAL": str(tmp_path)}
    lost = lose_instance_once(batch)

    run = flow(
        ["run", "--run-id-file", "run-id", "--max-workers", "2"], environment, tmp_path, **configs
    )
    assert run.returncode == 0, run.stdout + run.stderr

    found = results((tmp_path / "run-id").read_text(), environment, tmp_path)
    for name in ("examples", "shards", "embeddings", "log_likelihood", "metrics", "predictions"):
        assert found[name] == undisturbed[name], name

    # One shard was lost and only that one ran again.
    embed = batch.jobs_of("embed")
    assert len(lost) == 1
    assert len(embed) == len(undisturbed["shards"]) + 1
    assert [job["status"] for job in embed].count("FAILED") == 1
    (again,) = [job for job in embed if job["parameters"]["metaflow.retry_count"] == "1"]
    assert again["parameters"]["metaflow.task_id"] == lost[0]["parameters"]["metaflow.task_id"]
    assert {job["jobQueue"] for job in embed} == {"evoflow-a100-p4d"}
    assert {job["jobQueue"] for job in batch.jobs_of("train")} == {"evoflow-v100-p3"}
    assert {job["jobQueue"] for job in batch.jobs_of("extract")} == {"cpu-queue"}
    assert {"type": "GPU", "value": "1"} in embed[0]["container"]["resourceRequirements"]

    given = {"name": "LAB", "value": "genomics"}
    assert all(given in job["container"]["environment"] for job in embed)
    assert "LAB_TOKEN" not in str(batch.jobs)

    # The code came with the package, the logs came back.
    home = batch.folder / embed[-1]["jobId"]
    assert list(home.rglob("evoflow/embed/embedder.py"))
    assert "simulated demo" in run.stdout


def test_what_only_the_user_can_fix_is_not_tried_again(batch, tmp_path):
    compute = yaml.safe_load((CONFIG / "compute" / "batch.yaml").read_text())
    changes = {"minutes_between_retries": 0, "sequences_per_shard": 5000, "processes": 1}
    configs = write_configs(tmp_path, compute=compute | changes, model={"device": "cuda:7"})
    environment = batch.environment | {"METAFLOW_DATASTORE_SYSROOT_LOCAL": str(tmp_path)}
    run = flow(["run"], environment, tmp_path, **configs)
    assert run.returncode != 0
    assert "model.device: 'cuda:7' is not available" in run.stdout
    assert "This failed task will not be retried" in run.stdout
    (job,) = batch.jobs_of("embed")
    assert job["status"] == "FAILED"
    assert "batch kill --run-id" in run.stderr


def test_orphaned_jobs_are_listed_and_killed(batch, tmp_path):
    batch.definitions["any"] = {}
    batch.submitjob(
        {
            "jobName": "tester-EvoFlow-17-embed-4-0",
            "jobQueue": "evoflow-a100-p4d",
            "jobDefinition": "arn:aws:batch:us-east-1:123456789012:job-definition/any:1",
            "parameters": {
                "metaflow.user": "tester",
                "metaflow.flow_name": "EvoFlow",
                "metaflow.run_id": "17",
            },
            "containerOverrides": {
                "command": ["sleep", "600"],
                "resourceRequirements": [],
                "environment": [],
            },
            "timeout": {},
        }
    )
    for command, status in (("list", "RUNNING"), ("kill", "FAILED")):
        done = flow(
            ["batch", command, "--run-id", "17"],
            batch.environment | {"USERNAME": "tester"},
            tmp_path,
            compute=CONFIG / "compute" / "batch.yaml",
        )
        assert "tester-EvoFlow-17-embed-4-0" in done.stdout + done.stderr
        assert batch.look("job-0")["status"] == status
