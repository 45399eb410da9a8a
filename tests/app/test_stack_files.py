from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from mlstack_nb.app import components, stacks
from mlstack_nb.app.stack_files import export_stack, import_stack
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.core.stack import Kind
from mlstack_nb.errors import ConfigError, ConflictError, MlstackError, NotFoundError, UsageError

TRACKER = Kind.EXPERIMENT_TRACKER

LOCAL_MLFLOW = """
zenml_version: "0.55.0"
components:
  artifact_store:
    type: local
    name: local_artifact_store
    configuration:
      path: artifacts
  orchestrator:
    type: local
    name: local_orchestrator
  experiment_tracker:
    type: mlflow
    name: mlflow_tracker
    configuration:
      tracking_uri: http://localhost:5000
      experiment_name: fraud-detection
"""

VERTEX = """
zenml_version: "0.55.0"
components:
  artifact_store:
    type: local
    name: kept_artifact_store
  orchestrator:
    type: vortex
    name: vertex_orchestrator
    configuration:
      project: my-gcp-project
  model_deployer:
    type: vortex
    name: vertex_model_deployer
"""

ZENML_EXPORT = """
components:
  artifact_store:
  - configuration:
      path: store
    flavor: local
    name: my_store
    type: artifact_store
  orchestrator:
  - configuration: {}
    flavor: local
    name: my_orch
    type: orchestrator
stack_name: my_stack
zenml_version: 0.98.0
"""

ZENML_SINGLE = """
components:
  artifact_store:
    configuration: {path: store}
    flavor: local
    name: my_store
    type: artifact_store
  orchestrator: {flavor: local, name: my_orch, type: orchestrator, configuration: null}
stack_name: my_stack
zenml_version: 0.40.0
"""


@pytest.fixture
def here(workspace: Path) -> Workspace:
    return Workspace(workspace)


def written(here: Workspace, text: str, name: str = "stack.yaml") -> Path:
    file = here.root.parent / name
    file.write_text(text)
    return file


def everything(here: Workspace) -> tuple[Any, Any]:
    return components.list_all(here), stacks.list_all(here)


def test_the_form_with_type_name_and_configuration_is_read(here: Workspace) -> None:
    done = import_stack(here, written(here, LOCAL_MLFLOW, "local-mlflow.yaml"))
    assert (done.stack.name, done.is_new, len(done.registered), done.reused) == ("local-mlflow", True, 3, ())
    assert stacks.describe(here, "local-mlflow")["components"] == {
        "orchestrator": {"flavor": "local", "name": "local_orchestrator", "configuration": {}},
        "artifact_store": {"flavor": "local", "name": "local_artifact_store", "configuration": {"path": "artifacts"}},
        "experiment_tracker": {
            "flavor": "mlflow",
            "name": "mlflow_tracker",
            "configuration": {"tracking_uri": "http://localhost:5000", "experiment_name": "fraud-detection"},
        },
    }


@pytest.mark.parametrize("text", [ZENML_EXPORT, ZENML_SINGLE])
def test_both_forms_of_zenml_are_read(here: Workspace, text: str) -> None:
    import_stack(here, written(here, text))
    found = stacks.describe(here, "my_stack")["components"]
    assert found["artifact_store"] == {"flavor": "local", "name": "my_store", "configuration": {"path": "store"}}
    assert found["orchestrator"] == {"flavor": "local", "name": "my_orch", "configuration": {}}


def test_a_given_name_comes_before_the_files(here: Workspace) -> None:
    assert import_stack(here, written(here, ZENML_EXPORT), "other").stack.name == "other"


def test_unknown_flavors_are_all_named_and_nothing_is_registered(here: Workspace) -> None:
    before = everything(here)
    with pytest.raises(ConfigError) as error:
        import_stack(here, written(here, VERTEX))
    assert "orchestrator 'vertex_orchestrator' has flavor 'vortex'" in error.value.what
    assert "model_deployer 'vertex_model_deployer' has flavor 'vortex'" in error.value.what
    assert "Nothing was registered" in error.value.what
    assert "orchestrator: dask, local" in error.value.hint
    assert everything(here) == before


def test_a_wrong_field_names_the_component_and_nothing_is_registered(here: Workspace) -> None:
    before = everything(here)
    with pytest.raises(ConfigError, match=r"experiment_tracker 'mlflow_tracker'.*'tracking_url'") as error:
        import_stack(here, written(here, LOCAL_MLFLOW.replace("tracking_uri", "tracking_url")))
    assert error.value.hint == "Did you mean 'tracking_uri'?"
    assert everything(here) == before


def test_an_identical_component_is_used_as_it_is(here: Workspace) -> None:
    import_stack(here, written(here, ZENML_EXPORT), "first")
    done = import_stack(here, written(here, ZENML_EXPORT), "second")
    assert (done.registered, len(done.reused), done.is_new) == ((), 2, True)
    assert components.describe(here, Kind.ARTIFACT_STORE, "my_store")["stacks"] == ["first", "second"]


def test_importing_twice_changes_nothing(here: Workspace) -> None:
    import_stack(here, written(here, ZENML_EXPORT))
    before = everything(here)
    assert not import_stack(here, written(here, ZENML_EXPORT)).is_new
    assert everything(here) == before


def test_another_component_of_the_same_name_is_a_conflict_and_nothing_is_registered(here: Workspace) -> None:
    components.register(here, Kind.ARTIFACT_STORE, "my_store", flavor="local", configuration={"path": "elsewhere"})
    before = everything(here)
    with pytest.raises(ConflictError, match="another artifact_store called 'my_store'") as error:
        import_stack(here, written(here, ZENML_EXPORT))
    assert error.value.hint == "Rename one of them: mlstack component rename artifact_store my_store NEW"
    assert everything(here) == before


def test_another_stack_of_the_same_name_is_a_conflict_and_nothing_is_registered(here: Workspace) -> None:
    stacks.copy(here, "default", new="my_stack")
    before = everything(here)
    with pytest.raises(ConflictError, match="another stack called 'my_stack'"):
        import_stack(here, written(here, ZENML_EXPORT))
    assert everything(here) == before


def test_what_is_exported_is_what_zenml_writes(here: Workspace) -> None:
    import_stack(here, written(here, ZENML_EXPORT))
    text, left_out = export_stack(here, "my_stack")
    expected = yaml.safe_load(ZENML_EXPORT)
    del expected["zenml_version"]
    assert yaml.safe_load(text) == expected
    assert left_out == []


def test_an_exported_stack_comes_back_in_another_workspace(here: Workspace, tmp_path: Path) -> None:
    import_stack(here, written(here, LOCAL_MLFLOW), "mine")
    other = Workspace(tmp_path / "other")
    import_stack(other, written(here, export_stack(here, "mine")[0]))
    assert stacks.describe(other, "mine")["components"] == stacks.describe(here, "mine")["components"]


def test_the_active_stack_is_exported_by_default(here: Workspace) -> None:
    assert yaml.safe_load(export_stack(here)[0])["stack_name"] == "default"


def test_secrets_are_left_out_and_named_and_the_import_finds_the_component_again(here: Workspace) -> None:
    values = {"tracking_uri": "http://localhost:5000", "tracking_token": "s3cret"}
    components.register(here, TRACKER, "t", flavor="mlflow", configuration=values)
    stacks.register(here, "mine", {Kind.ORCHESTRATOR: "default", Kind.ARTIFACT_STORE: "default", TRACKER: "t"})
    text, left_out = export_stack(here, "mine")
    assert "s3cret" not in text
    assert left_out == ["experiment_tracker t: tracking_token"]
    assert text.startswith("# left out, being secret: experiment_tracker t: tracking_token\n")
    done = import_stack(here, written(here, text), "again")
    assert done.stack.components[2].configuration["tracking_token"] == "s3cret"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "it has no 'components'"),
        ("- a list", "it has no 'components'"),
        ("components: 3", "it has no 'components'"),
        ("components: [unclosed", "it is no YAML"),
        ("components: {}", "has no orchestrator and no artifact_store"),
        ("components: {}\nflavour: x", "the file has the unknown key 'flavour'"),
        ("components: {}\nstack_name: 7", "stack_name is 7, which is no text"),
        (ZENML_EXPORT.replace("orchestrator:", "orchestra:", 1), "'orchestra' is no kind of component"),
        (ZENML_EXPORT.replace("    name: my_orch\n", ""), "orchestrator has no name"),
        (ZENML_EXPORT.replace("my_orch", "7"), "the name of orchestrator is 7, no text"),
        (ZENML_EXPORT.replace("my_orch", "a/b"), "it has a slash"),
        (ZENML_EXPORT.replace("configuration: {}", "configuration: [1]"), "is not a mapping"),
        (ZENML_EXPORT.replace("configuration: {}", "konfiguration: {}"), "the unknown key 'konfiguration'"),
        (ZENML_EXPORT.replace("type: orchestrator", "type: artifact_store"), "a component of type 'artifact_store'"),
        (LOCAL_MLFLOW.replace("type: mlflow\n", "type:\n"), "experiment_tracker has no flavor"),
        ("components:\n  orchestrator: [{flavor: local, name: a}, {flavor: local, name: b}]", "just one orchestrator"),
        ("components:\n  orchestrator: []", "just one orchestrator"),
        ("components:\n  orchestrator: local", "orchestrator is not a mapping"),
    ],
)
def test_a_file_that_is_no_stack_says_why_and_registers_nothing(here: Workspace, text: str, what: str) -> None:
    before = everything(here)
    with pytest.raises(MlstackError) as error:
        import_stack(here, written(here, text))
    assert what in error.value.what
    assert error.value.hint
    assert everything(here) == before


def test_a_file_that_is_not_there_or_can_not_be_read_says_so(here: Workspace) -> None:
    with pytest.raises(NotFoundError, match=r"There is no file 'absent.yaml'"):
        import_stack(here, Path("absent.yaml"))
    with pytest.raises(UsageError, match="can not be read: Is a directory"):
        import_stack(here, here.root)
