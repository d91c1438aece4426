"""What the tests of the flow share: a way to run it, finished runs, an S3 server, a Batch."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import boto3
import pytest
import yaml
from botocore.exceptions import BotoCoreError

from evoflow import demo
from evoflow.settings import DataSettings, DemoSettings
from tests.conftest import ROOT
from tests.flow import hostile_files
from tests.flow.batch_stand_in import BatchStandIn, serve

BUCKET = "lab"
FLOW = ROOT / "flows" / "evo_flow.py"
CONFIG = ROOT / "config"
AWS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@pytest.fixture(scope="session")
def s3_url():
    """Address of an S3 server with one empty bucket."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(
        [Path(sys.executable).parent / "moto_server", "-H", "127.0.0.1", "-p", str(port)],
        env=os.environ | AWS,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        create_bucket(url, patience=60)
        yield url
    finally:
        server.terminate()
        server.wait()


def s3_client(url):
    return boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def keys_under(url, prefix):
    pages = s3_client(url).get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
    return [item["Key"] for page in pages for item in page.get("Contents", [])]


def create_bucket(url, patience):
    """Create the bucket as soon as the server answers."""
    deadline = time.monotonic() + patience
    while True:
        try:
            return s3_client(url).create_bucket(Bucket=BUCKET)
        except BotoCoreError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


@pytest.fixture(scope="session")
def s3_environment(s3_url):
    """Environment in which Metaflow keeps artifacts on the S3 server."""
    return AWS | {
        "METAFLOW_DEFAULT_DATASTORE": "s3",
        "METAFLOW_DATASTORE_SYSROOT_S3": f"s3://{BUCKET}/metaflow",
        "METAFLOW_S3_ENDPOINT_URL": s3_url,
        # By default 64 processes each make a client, for one small file each.
        "METAFLOW_S3_WORKER_COUNT": "1",
        "AWS_ENDPOINT_URL_S3": s3_url,
    }


@pytest.fixture(scope="module")
def batch(tmp_path_factory, s3_environment):
    """The Batch stand-in; `batch.environment` points Metaflow at it."""
    # The same machine is to multiply by the same kernels, to the last bit.
    kernels = {name: value for name, value in os.environ.items() if name.startswith("OPENBLAS_")}
    container = s3_environment | {
        **kernels,
        "METAFLOW_SKIP_INSTALL_DEPENDENCIES": "1",
        "OMP_NUM_THREADS": "1",
    }
    stand_in = BatchStandIn(tmp_path_factory.mktemp("batch"), container)
    with serve(stand_in) as url:
        stand_in.environment = s3_environment | {
            "AWS_ENDPOINT_URL_BATCH": url,
            "METAFLOW_BATCH_JOB_QUEUE": "cpu-queue",
            "METAFLOW_ECS_S3_ACCESS_IAM_ROLE": "arn:aws:iam::123456789012:role/tasks",
        }
        yield stand_in


def flow_command(arguments, *, data=None, model=None, compute=None):
    """The command line of the flow, with the configs that are named."""
    configs = {"data": data, "model": model, "compute": compute}
    named = [
        word for name, path in configs.items() if path for word in ("--config", name, str(path))
    ]
    return [sys.executable, str(FLOW), *named, *arguments]


def flow(arguments, environment, folder, **configs):
    """Run the flow's command in a folder; the finished process, its output as text."""
    return subprocess.run(
        flow_command(arguments, **configs),
        cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def _example(name):
    return yaml.safe_load((CONFIG / name).read_text())


SMALL = {
    "data": _example("data/demo.yaml") | {"regions": ["chr1:1-60000"], "reference_loci": 120},
    "model": _example("model/evo-demo.yaml") | {"head": {"channels": 8, "epochs": 3}},
    "compute": {"processes": 1, "sequences_per_shard": 500},
}
"""The demo on part of one contig: about 900 sequences in two shards."""


def write_configs(folder, **changes):
    """Write the three small configs, with changes, and return their paths."""
    paths = {name: folder / f"{name}.yaml" for name in SMALL}
    for name, path in paths.items():
        path.write_text(yaml.safe_dump(SMALL[name] | changes.get(name, {})))
    return paths


RESULTS = """
import hashlib, json, pickle, sys
from metaflow import Run, namespace
namespace(None)
run = Run("EvoFlow/" + sys.argv[1])
shards = sorted(run["embed"].tasks(), key=lambda task: task.data.shard)
digest = lambda array: hashlib.sha256(array.tobytes()).hexdigest()
train = run["train"].task.data
print(json.dumps({
    "successful": run.successful,
    "examples": run["extract"].task.data.examples.to_json(),
    "shards": [task.data.shard for task in shards],
    "embeddings": [digest(task.data.embeddings.numpy()) for task in shards],
    "handle_bytes": [len(pickle.dumps(task.data.embeddings)) for task in shards],
    "parts": [key for task in shards for key in task.data.embeddings.keys()],
    "log_likelihood": [digest(task.data.log_likelihood) for task in shards],
    "misses": [getattr(task.data.embedding_report.cache, "misses", None) for task in shards],
    "metrics": train.metrics,
    "predictions": train.predictions.to_json(),
}, sort_keys=True))
"""

COMPARED = ("examples", "shards", "embeddings", "log_likelihood", "metrics", "predictions")
"""Results that do not depend on where a run went and how often it was interrupted."""


def results(run_id, environment, folder):
    """What a finished run left, read through Metaflow's client as another process sees it."""
    run = subprocess.run(
        [sys.executable, "-c", RESULTS, run_id],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.fixture(scope="session")
def demo_run(tmp_path_factory):
    """The folder, the process and the finished run of the small demo on this machine."""
    from metaflow import Run, namespace

    folder = tmp_path_factory.mktemp("run")
    configs = write_configs(folder)
    words = ["run", "--run-id-file", "run-id", "--export-examples", "examples.jsonl"]
    done = flow(words, {}, folder, **configs)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    namespace(None)
    run = Run(f"EvoFlow/{(folder / 'run-id').read_text()}")
    return folder, done, run


@pytest.fixture(scope="session")
def undisturbed(demo_run):
    """Results of the small demo where nothing went wrong."""
    folder, _, run = demo_run
    return results(run.id, {}, folder)


@pytest.fixture(scope="session")
def hostile(tmp_path_factory):
    """A finished run on hostile files, for pathogenicity with Evo 2, and one that fails in `start`.

    Everything that a run keeps lies in `folder` and in `home`.
    """
    served = tmp_path_factory.mktemp("served")
    folder = tmp_path_factory.mktemp("hostile")
    files = demo.prepare(DataSettings(demo=DemoSettings()))
    hostile_files.write_hostile(served, files)
    hostile_files.write_columns(folder, files.clinvar)
    runs = []
    with hostile_files.serve(served) as host:
        for changes in (hostile_files.sound(host), hostile_files.wrong(host)):
            configs = write_configs(folder, **changes)
            words = ["run", "--run-id-file", f"run-id-{len(runs)}"]
            runs.append(flow(words, {"TOKEN": "hunter2secret"}, folder, **configs))
            for config in configs.values():  # what the user wrote is the user's
                config.unlink()
    done, failed = runs
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert failed.returncode != 0
    (folder / "output.txt").write_text("".join(run.stdout + run.stderr for run in runs))
    return SimpleNamespace(
        folder=folder,
        home=Path(os.environ["METAFLOW_DATASTORE_SYSROOT_LOCAL"]),
        run_id=(folder / "run-id-0").read_text(),
        failed=failed,
    )
