"""Settings that name files, and what is wrong with others."""

import pytest

from evoflow.errors import InputError
from evoflow.settings import load_settings

FILES = {
    "reference": "r.fa",
    "clinvar": "c.vcf.gz",
    "individuals": [{"sample": "A", "reads": "a.bam", "variants": "a.vcf.gz"}],
}


def problems_of(data, model=None, compute=None):
    with pytest.raises(InputError) as caught:
        load_settings(data, model or {}, compute or {})
    return caught.value.problems
