"""MLS101, MLS102, MLS104: what ties a step to one vendor or one service."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from mlstack_nb.source.lint.findings import Finding
from mlstack_nb.source.lint.passages import Part
from mlstack_nb.source.lint.usage import Called, Text, Usage

_SDKS = {
    "boto3": "AWS",
    "botocore": "AWS",
    "aioboto3": "AWS",
    "aiobotocore": "AWS",
    "awswrangler": "AWS",
    "sagemaker": "AWS",
    "s3fs": "AWS",
    "google.cloud": "Google Cloud",
    "google.colab": "Google Colab",
    "vertexai": "Google Cloud",
    "gcsfs": "Google Cloud",
    "azure": "Azure",
    "azureml": "Azure",
    "adlfs": "Azure",
    "kaggle_secrets": "Kaggle",
    "oci": "Oracle Cloud",
    "ocifs": "Oracle Cloud",
    "ibm_boto3": "IBM Cloud",
    "snowflake": "Snowflake",
    "databricks": "Databricks",
}
_FILES = frozenset({"s3fs", "gcsfs", "adlfs", "ocifs", "google.cloud.storage", "azure.storage", "boto3"})
_SETTINGS = {
    "mlflow.set_tracking_uri": "where MLflow tracks",
    "mlflow.set_registry_uri": "where MLflow registers models",
    "mlflow.tracking.set_tracking_uri": "where MLflow tracks",
    "mlflow.login": "who is logged in to MLflow",
    "wandb.login": "who is logged in to Weights & Biases",
    "huggingface_hub.login": "who is logged in to Hugging Face",
}
_VARIABLES = re.compile(
    r"(?:AWS|AZURE|DATABRICKS|WANDB|SNOWFLAKE)_\w+|MLFLOW_(?:TRACKING|REGISTRY|S3)_\w+|GOOGLE_(?:APPLICATION_CREDENTIALS"
    r"|CLOUD_PROJECT)"
)
_ADDRESS = re.compile(r"(?P<scheme>s3[an]?|gs|gcs|abfss?|adl|azure|az|wasbs?|oci|dbfs):/{1,2}[^\s/]")
_TOOLS = {"aws": "AWS", "gsutil": "Google Cloud", "gcloud": "Google Cloud", "az": "Azure", "azcopy": "Azure"}
_SHELL = frozenset({"system", "getoutput"})


def vendor_sdks(usage: Usage) -> Iterator[Finding]:
    """MLS101: the first use of each SDK in a cell, or in a part of one that travels."""
    told: set[tuple[int, str]] = set()
    for use in usage.uses:
        sdk = next((one for one in _SDKS if use.path == one or use.path.startswith(f"{one}.")), "")
        key = id(use.spot.passage), sdk
        if sdk and key not in told:
            told.add(key)
            keeps_files = any(use.path.startswith(one) for one in _FILES)
            hint = "" if keeps_files else "Put what it gives into a parameter, or do this outside of the step."
            yield use.spot.finding("MLS101", f"`{use.path}` is the SDK of {_SDKS[sdk]}.", hint)
    for call in usage.calls:
        words = _shell_words(call)
        if words and words[0] in _TOOLS:
            yield call.spot.finding("MLS101", f"`!{words[0]}` is a tool of {_TOOLS[words[0]]}.")


def vendor_settings(usage: Usage) -> Iterator[Finding]:
    """MLS102"""
    for call in usage.calls:
        if call.path in _SETTINGS:
            yield call.spot.finding("MLS102", f"`{call.path}` sets {_SETTINGS[call.path]}, whatever the stack says.")
    for use in usage.uses:
        variable = _variable_set(usage.parents.get(use.spot.node)) if use.path == "os.environ" else ""
        if variable:
            yield use.spot.finding("MLS102", f"The environment variable {variable} is set, whatever the stack says.")


def vendor_addresses(usage: Usage) -> Iterator[Finding]:
    """MLS104: those in the code of a step; one in an ordinary cell is a parameter."""
    for text in usage.texts:
        found = _ADDRESS.match(text.value)
        if found and (text.spot.passage.part is Part.BODY or text.spot.is_deferred) and not _is_setup(usage, text):
            shown = text.value if len(text.value) <= 60 else f"{text.value[:57]}..."
            yield text.spot.finding("MLS104", f"The address {shown!r} is written into the step.")


def _is_setup(usage: Usage, text: Text) -> bool:
    """Whether it only is compared (`path.startswith("s3://")`) or named in a dictionary."""
    if text.given_to is not None and text.given_to.method in ("startswith", "removeprefix", "replace", "split"):
        return True
    parent = usage.parents.get(text.spot.node)
    return isinstance(parent, ast.Compare) or (usage.code.is_whole and _is_parameter(usage, text))


def _is_parameter(usage: Usage, text: Text) -> bool:
    return isinstance(usage.parents.get(text.spot.node), ast.Assign | ast.AnnAssign)


def _shell_words(call: Called) -> list[str]:
    """The words of `!aws s3 cp a b`."""
    match call.node:
        case ast.Call(ast.Attribute(ast.Call(ast.Name("get_ipython")), method), [ast.Constant(str(line))]):
            return line.split() if method in _SHELL else []
    return []


def _variable_set(parent: ast.AST | None) -> str:
    """`AWS_PROFILE` of `os.environ["AWS_PROFILE"] = ...`."""
    match parent:
        case ast.Subscript(_, ast.Constant(str(name)), ast.Store()) if _VARIABLES.fullmatch(name):
            return name
    return ""
