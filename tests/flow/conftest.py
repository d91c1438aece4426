"""What the tests of clouds share: an S3 server, a stand-in for Batch, a way to run the flow."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import boto3
import pytest
import yaml
from botocore.exceptions import BotoCoreError

from tests.conftest import ROOT
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


GOLDEN = ROOT / "tests" / "data" / "evo-tiny-8k-reference"
"""The published layout at a small size."""

SMALL = {
    "data": {"demo": {}, "regions": ["chr1:1-60000"], "reads_per_variant": 1, "reference_loci": 40},
    "model": {
        "checkpoint": str(GOLDEN),
        "embedding": {"layer": "logits", "tokens": "mean"},
        "balance": {"by": "weights"},
        "head": {"epochs": 2},
    },
    "compute": {"processes": 1, "sequences_per_shard": 300},
}
"""A run of about 500 sequences in two shards."""


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
def undisturbed(s3_environment, tmp_path_factory):
    """Results of a small run on this machine whose artifacts live on the S3 server."""
    folder = tmp_path_factory.mktemp("undisturbed")
    environment = s3_environment | {"METAFLOW_DATASTORE_SYSROOT_LOCAL": str(folder)}
    configs = write_configs(folder, compute={"embedding_cache": f"s3://{BUCKET}/embeddings"})
    run = flow(["run", "--run-id-file", "run-id"], environment, folder, **configs)
    assert run.returncode == 0, run.stdout + run.stderr
    run_id = (folder / "run-id").read_text()
    return {"run_id": run_id, **results(run_id, environment, folder)}


@pytest.fixture(scope="session")
def demo_run(tmp_path_factory):
    """The folder, the process and the finished run of the demo, on part of one contig."""
    from metaflow import Run, namespace

    folder = tmp_path_factory.mktemp("run")
    data = yaml.safe_load((CONFIG / "data" / "demo.yaml").read_text())
    part = {"regions": ["chr1:1-80000"], "reference_loci": 170}
    (folder / "demo.yaml").write_text(yaml.safe_dump(data | part))
    words = ["run", "--run-id-file", "run-id", "--export-examples", "examples.jsonl"]
    done = flow(words, {}, folder, data="demo.yaml")
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    namespace(None)
    run = Run(f"EvoFlow/{(folder / 'run-id').read_text()}")
    return folder, done, run
