"""The demo with markup in its names, on a server that wants a signature; columns of a user."""

import gzip
import re
import shutil
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pysam

from tests.conftest import ROOT

SECRETS = ["SECRETSIG123", "hunter2secret", "alicetheuser", "pa55w0rd"]
HACK = "<iframe srcdoc=\"<script>parent.document.title='HACKED'</script>\"></iframe>"


def write_hostile(folder, files):
    """Copy the demo with markup in gene names and in the read group's sample."""
    for path in Path(files.reference).parent.iterdir():
        shutil.copy(path, folder)
    text = gzip.decompress(Path(files.clinvar).read_bytes()).decode()
    text = re.sub(r"GENEINFO=[^:;]*:", lambda _: f"GENEINFO={HACK}:", text)
    (folder / "c.vcf").write_text(text)
    pysam.tabix_index(str(folder / "c.vcf"), preset="vcf", force=True)
    with pysam.AlignmentFile(files.individuals[0].reads) as reads:
        header = reads.header.to_dict()
        header.setdefault("RG", [{"ID": "1"}])[0]["SM"] = HACK
        with pysam.AlignmentFile(folder / "i.bam", "wb", header=header) as out:
            for read in reads:
                out.write(read)
    pysam.index(str(folder / "i.bam"))


class _Files(BaseHTTPRequestHandler):
    """Serves ranges of a folder's files to whoever gives the signature."""

    protocol_version = "HTTP/1.1"

    def __init__(self, *arguments, folder):
        self.folder = folder
        super().__init__(*arguments)

    def log_message(self, *_):
        pass

    def do_GET(self):
        path, _, query = self.path.partition("?")
        file = self.folder / Path(path).name
        if "SECRETSIG123" not in query or not file.is_file():
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        content = file.read_bytes()
        start, stop = map(int, self.headers["Range"].removeprefix("bytes=").split("-"))
        part = content[start : stop + 1]
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {start}-{start + len(part) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        self.wfile.write(part)


@contextmanager
def serve(folder):
    """Serve the files of a folder; yields the host."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, folder=folder))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def write_columns(folder, clinvar):
    """Write a score, CADD and a frequency of ClinVar's alleles, of every other one alone."""
    rows = {name: [] for name in ("scores.tsv", "cadd.tsv", "af.vcf")}
    with pysam.VariantFile(clinvar) as records:
        for number, record in enumerate(records):
            place = [record.chrom, record.pos, record.ref, record.alts[0]]
            harm = "athogenic" in record.info.get("CLNSIG", ("",))[0]
            rows["scores.tsv"].append([*place, -2 * harm + number % 7 / 10])
            rows["cadd.tsv"] += [[*place, 20 * harm + number % 11]] if number % 2 else []
            af = f"AF={0.1 ** (1 + 3 * harm + number % 3)}"
            rows["af.vcf"].append([*place[:2], ".", *place[2:], ".", ".", af])
        contigs = list(records.header.contigs)
    heads = {
        "scores.tsv": "chrom\tpos\tref\talt\tfunction_score",
        "cadd.tsv": "## CADD\n#Chrom\tPos\tRef\tAlt\tPHRED",
        "af.vcf": "##fileformat=VCFv4.2\n"
        + "".join(f"##contig=<ID={name}>\n" for name in contigs)
        + '##INFO=<ID=AF,Number=A,Type=Float,Description="">\n'
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO",
    }
    for name, lines in rows.items():
        text = "\n".join([heads[name], *("\t".join(map(str, line)) for line in lines)])
        (folder / name).write_text(text + "\n")


def sound(host):
    """Changes of the small configs that read the hostile files and a user's columns.

    The checkpoint is as it is published, so that the run converts it first; both strands of a
    middle block are embedded.
    """
    data = {
        "demo": None,
        "reference": _url(host, "genome.fa"),
        "clinvar": _url(host, "c.vcf.gz", user="bob:pa55w0rd"),
        "individuals": [_person(host, "DEMO")],
        "reads_per_variant": 1,
        "reference_loci": 40,
        "haplotypes": 100,
        "regions": ["chr1:1-80000"],
        "columns": [
            {"file": "cadd.tsv", "name": "PHRED", "title": "CADD", "strata": [10]},
            {"file": "af.vcf", "name": "AF"},
        ],
    }
    model = {
        "checkpoint": str(ROOT / "tests" / "data" / "evo2-tiny-8k-reference"),
        "embedding": {"layer": "blocks.6", "tokens": {"window": 32}, "strands": "both"},
        "balance": {"by": "weights"},
        "head": {"epochs": 2},
        "target": "pathogenicity",
    }
    return {"data": data, "model": model, "compute": {"sequences_per_shard": 10_000}}


def wrong(host):
    """The same with an absent reference, sample and column, and a misspelt target."""
    changes = sound(host)
    changes["data"] |= {
        "reference": _url(host, "absent.fa"),
        "individuals": [_person(host, "HG1")],
        "columns": [{"file": "absent.tsv", "name": "x"}],
    }
    changes["model"]["target"] = {"column": {"file": "scores.tsv", "name": "funtion_score"}}
    return changes


def _person(host, sample):
    reads, variants = _url(host, "i.bam"), _url(host, "individual.vcf.gz")
    return {"sample": sample, "reads": reads, "variants": variants}


def _url(host, name, user="alicetheuser:${TOKEN}"):
    return f"http://{user}@{host}/{name}?X-Amz-Signature=SECRETSIG123"
