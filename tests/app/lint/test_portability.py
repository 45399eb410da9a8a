"""MLS1: what ties a step to a vendor or a machine."""

from __future__ import annotations

import pytest
from linted import found, in_module, in_step, rules


@pytest.mark.parametrize(
    ("imports", "line"),
    [
        ("import boto3", "s3 = boto3.client('s3')"),
        ("import boto3 as aws", "s3 = aws.resource('s3')"),
        ("from boto3 import client as make", "s3 = make('s3')"),
        ("from google.cloud import storage", "bucket = storage.Client()"),
        ("import google.cloud.storage as gcs", "bucket = gcs.Client()"),
        ("import google.cloud.bigquery", "rows = google.cloud.bigquery.Client()"),
        ("from azure.storage.blob import BlobServiceClient", "b = BlobServiceClient('x')"),
        ("import s3fs", "fs = s3fs.S3FileSystem()"),
        ("import gcsfs", "fs = gcsfs.GCSFileSystem()"),
        ("from sagemaker.estimator import Estimator", "e = Estimator()"),
        ("try:\n    import boto3\nexcept ImportError:\n    boto3 = None", "c = boto3.client('s3')"),
        ("", "import boto3; s3 = boto3.client('s3')"),
        ("", "!aws s3 cp data.csv x"),
        ("", "!gsutil cp a b"),
    ],
)
def test_a_vendors_sdk_in_a_step_is_found(imports: str, line: str) -> None:
    assert in_step(line, imports=imports) == ["1 MLS101"]


@pytest.mark.parametrize(
    ("imports", "line"),
    [
        ("import boto3", "boto3_like = 1"),
        ("import boto3", "text = 'boto3.client'"),
        ("import storage", "c = storage.Client()"),
        ("import google.protobuf as p", "m = p.Message()"),
        ("import mlflow", "mlflow.log_metric('a', 1)"),
        ("", "# boto3.client('s3')"),
    ],
)
def test_other_libraries_and_texts_are_none(imports: str, line: str) -> None:
    assert in_step(line, imports=imports) == []


def test_a_parameter_of_a_function_hides_an_import() -> None:
    assert in_step("def f(boto3):", "    return boto3.client()", imports="import boto3") == []


def test_an_assignment_hides_an_import() -> None:
    assert in_step("boto3 = object()", "boto3.client()", imports="import boto3") == []


def test_a_name_for_a_module_is_followed() -> None:
    assert in_step("aws = boto3", "aws.client('s3')", imports="import boto3") == ["1 MLS101"]


def test_a_helper_that_the_step_calls_counts_and_another_does_not() -> None:
    helpers = "import boto3\ndef load():\n    return boto3.client('s3')\ndef other():\n    return boto3.client('s3')"
    assert rules(helpers, "%%step s -> a\na = load()") == ["1:3 MLS101"]


def test_a_client_that_an_ordinary_cell_makes_for_a_step_counts() -> None:
    assert rules("import boto3", "client = boto3.client('s3')", "%%step s -> a\na = client.list()") == ["2:1 MLS101"]


def test_exploration_cells_stay_behind() -> None:
    assert rules("import boto3\nprint(boto3.client('s3').list_buckets())", "%%step s -> a\na = 1") == []


def test_a_helper_of_two_steps_is_told_once_with_both() -> None:
    helper = "import boto3\ndef load():\n    return boto3.client('s3')"
    once = found(helper, "%%step s -> a\na = load()", "%%step t -> b\nb = load(), a")
    assert [(one.rule, one.steps) for one in once] == [("MLS101", ("s", "t"))]


@pytest.mark.parametrize(
    "line",
    [
        "mlflow.set_tracking_uri('http://tracking:5000')",
        "mlflow.set_registry_uri('x')",
        "os.environ['MLFLOW_TRACKING_URI'] = 'x'",
        "os.environ['AWS_SECRET_ACCESS_KEY'] = 'x'",
    ],
)
def test_settings_of_services_are_found(line: str) -> None:
    assert in_step(line, imports="import mlflow, os") == ["1 MLS102"]


@pytest.mark.parametrize("line", ["os.environ['MODE'] = 'fast'", "x = os.environ['AWS_REGION']", "mlflow.start_run()"])
def test_other_variables_and_reading_them_are_fine(line: str) -> None:
    assert in_step(line, imports="import mlflow, os") == []


@pytest.mark.parametrize(
    "line",
    [
        "x = '/home/ada/data.csv'",
        "x = '/Users/ada/data.csv'",
        r"x = 'C:\\data\\a.csv'",
        "x = 'D:/data/a.csv'",
        "x = '~/data/a.csv'",
        r"x = r'\\server\share\a.csv'",
        "x = f'/home/ada/{1}.csv'",
        "x = '/content/drive/MyDrive/a.csv'",
        "x = '/kaggle/input/titanic/train.csv'",
        "frame.to_csv('/data/out.csv')",
        "x = Path('/srv/data')",
        "x = Path.home() / 'a'",
        "!cp /home/ada/a.csv b.csv",
        "%cd /home/ada/work",
    ],
)
def test_paths_of_one_machine_are_found(line: str) -> None:
    imports = "from pathlib import Path\nimport pandas as pd\nframe = pd.DataFrame()"
    assert in_step(line, imports=imports) == ["1 MLS103"]


@pytest.mark.parametrize(
    "line",
    [
        "x = 'data/a.csv'",
        "x = '../data/a.csv'",
        "x = '/api/v1/items'",
        "x = 'https://host/home/a'",
        "x = 'a: /home'",
        "x = '/'",
        "x = Path('/tmp/scratch')",
        "x = Path('/dev/null')",
        "x = 'y ~ a + b'",
        "x = '~'",
        "x = 'a/home/b'",
        "x = path.startswith('/home/ada')",
        "x = path == '/home/ada/a'",
        "x = re.sub('/usr/', '', 'a')",
        "'''Reads /home/ada/a.csv'''",
        "x = 'C: drive'",
    ],
)
def test_other_texts_are_no_machine_paths(line: str) -> None:
    assert in_step(line, imports="import re\nfrom pathlib import Path\npath = 'a'") == []


def test_a_constant_that_a_step_reads_counts_and_another_does_not() -> None:
    assert rules("a = '/home/ada/a'\nb = '/home/ada/b'", "%%step s -> c\nc = a") == ["1:1 MLS103"]
    assert rules("from pathlib import Path\na = Path('/home/ada/a')", "%%step s -> c\nc = a") == ["1:2 MLS103"]


def test_a_declared_data_file_is_a_parameter_and_may_stand_anywhere() -> None:
    imports = "from typing import Annotated\nfrom mlstack_nb import DataFile\n"
    assert rules(f"{imports}a: Annotated[str, DataFile()] = '/home/ada/a'", "%%step s -> c\nc = a") == []


@pytest.mark.parametrize(
    "address", ["s3://bucket/key", "gs://bucket/key", "abfss://c@a/key", "dbfs:/mnt/a", "wasbs://x"]
)
def test_addresses_in_a_vendors_storage_are_found(address: str) -> None:
    assert in_step(f"t = pd.read_csv('{address}')", imports="import pandas as pd") == ["1 MLS104"]
    assert in_step(f"x = f'{address}/{{1}}'") == ["1 MLS104"]


def test_an_address_that_is_a_parameter_is_fine() -> None:
    assert rules("source = 's3://bucket/key'", "%%step s -> a\na = source") == []
    assert in_step("a = 'x'.startswith('s3://b')", "b = a == 'gs://b'") == []


def test_step_functions_of_a_module_are_read_with_what_they_reach() -> None:
    text = (
        "import boto3\nfrom mlstack_nb import step\nROOT = '/home/ada'\n\n"
        "def client():\n    return boto3.client('s3')\n\n"
        "@step\ndef load(name: str):\n    return client(), ROOT\n\n"
        "def alone():\n    return boto3.client('s3')\n"
    )
    assert in_module(text) == ["3 MLS103", "6 MLS101"]


def test_zenmls_steps_are_steps() -> None:
    text = "import boto3\nfrom zenml import step\n@step\ndef load():\n    boto3.client('s3')\nboto3.client('s3')\n"
    assert in_module(text) == ["5 MLS101"]


def test_all_of_a_module_without_steps_is_read() -> None:
    assert in_module("import boto3\n\ndef load():\n    return boto3.client('s3')\n") == ["4 MLS101"]


def test_all_cells_of_a_notebook_without_steps_are_read() -> None:
    assert rules("import boto3", "boto3.client('s3')", ("boto3.client('s3')", "skip")) == ["2:1 MLS101"]


def test_tagged_steps_and_step_functions_in_cells_are_steps() -> None:
    assert rules(("import boto3", "imports"), ("c = boto3.client('s3')", "step:a")) == ["2:1 MLS101"]
    functions = (
        "import boto3\nfrom mlstack_nb import pipeline, step",
        "@step\ndef load() -> int:\n    return boto3.client('s3')",
        "@pipeline\ndef p():\n    load()",
        "p()",
    )
    assert rules(*functions) == ["2:3 MLS101"]


def test_an_sdk_is_told_once_in_a_cell() -> None:
    cells = ("import boto3, s3fs", "%%step s -> a\nx = boto3.client('s3')\na = boto3.client('s3')\nb = s3fs.core", "a")
    assert rules(*cells) == ["2:2 MLS101", "2:4 MLS101"]


def test_the_end_of_a_path_is_no_path() -> None:
    assert in_step("x = open(folder + '/data/a.csv')", imports="folder = open") == []
