"""What the modules of ZenML's names have: name -> where it lives here. A test imports each; docs/zenml.md has them."""

from __future__ import annotations

_ERRORS = "mlstack_nb.compat.zenml_errors"
_FILES = "mlstack_nb.compat.zenml_files"
_PARTS = "mlstack_nb.compat.zenml_parts"
_WRITERS = "mlstack_nb.compat.zenml_materializers"
_TOP = (
    "ArtifactConfig",
    "ExternalArtifact",
    "Model",
    "Tag",
    "add_tags",
    "bulk_log_metadata",
    "link_artifact_to_model",
    "load_artifact",
    "log_artifact_metadata",
    "log_metadata",
    "log_model_metadata",
    "log_step_metadata",
    "register_artifact",
    "remove_tags",
    "save_artifact",
    "unmapped",
)
_CACHE_POLICY = {"CachePolicy": "mlstack_nb.compat.zenml_policy:CachePolicy"}
_RETRY = {"StepRetryConfig": "mlstack_nb:StepRetryConfig"}
_DOCKER = {"DockerSettings": f"{_PARTS}:DockerSettings"}
_RESOURCES = {"ResourceSettings": f"{_PARTS}:ResourceSettings"}
_CONTEXTS = {name: f"{_PARTS}:{name}" for name in ("StepContext", "get_step_context")}
_TAG = {"Tag": "mlstack_nb:Tag"}

MODULES: dict[str, dict[str, str]] = {
    "zenml": {
        **{name: f"mlstack_nb:{name}" for name in _TOP},
        "get_pipeline_context": f"{_PARTS}:get_pipeline_context",
        "get_step_context": f"{_PARTS}:get_step_context",
        "pipeline": f"{_PARTS}:pipeline",
        "step": f"{_PARTS}:step",
    },
    "zenml.artifacts.artifact_config": {"ArtifactConfig": "mlstack_nb:ArtifactConfig"},
    "zenml.artifacts.external_artifact": {"ExternalArtifact": "mlstack_nb:ExternalArtifact"},
    "zenml.artifacts.utils": {
        name: f"mlstack_nb:{name}"
        for name in ("load_artifact", "log_artifact_metadata", "register_artifact", "save_artifact")
    },
    "zenml.client": {"Client": "mlstack_nb:Client"},
    "zenml.config": {**_CACHE_POLICY, **_DOCKER, **_RESOURCES, **_RETRY},
    "zenml.config.cache_policy": _CACHE_POLICY,
    "zenml.config.docker_settings": _DOCKER,
    "zenml.config.resource_settings": _RESOURCES,
    "zenml.config.retry_config": _RETRY,
    "zenml.enums": {
        "ArtifactType": "mlstack_nb:ArtifactType",
        "ExecutionMode": "mlstack_nb.core.policy:ExecutionMode",
        "ExecutionStatus": "mlstack_nb.client.status:ExecutionStatus",
        "ModelStages": "mlstack_nb.core.model:Stage",
        "StackComponentType": "mlstack_nb.core.stack:Kind",
        "VisualizationType": f"{_WRITERS}:VisualizationType",
    },
    "zenml.exceptions": {
        "EntityExistsError": "mlstack_nb.errors:ConflictError",
        "HookValidationException": f"{_ERRORS}:StepInterfaceError",
        "IntegrationError": "mlstack_nb.errors:MissingPackageError",
        "MaterializerInterfaceError": f"{_ERRORS}:MaterializerInterfaceError",
        "StackComponentInterfaceError": f"{_ERRORS}:StackValidationError",
        "StackValidationError": f"{_ERRORS}:StackValidationError",
        "StepContextError": f"{_ERRORS}:StepContextError",
        "StepInterfaceError": f"{_ERRORS}:StepInterfaceError",
        "ZenKeyError": "mlstack_nb.errors:NotFoundError",
    },
    "zenml.hooks": {
        "alerter_failure_hook": "mlstack_nb.app.alerts:alerter_failure_hook",
        "alerter_success_hook": "mlstack_nb.app.alerts:alerter_success_hook",
    },
    "zenml.integrations.mlflow.experiment_trackers": {
        "MLFlowExperimentTracker": "mlstack_nb.flavors.experiment_tracker.mlflow:MlflowTracker"
    },
    "zenml.integrations.mlflow.model_deployers": {
        "MLFlowModelDeployer": "mlstack_nb.flavors.model_deployer.mlflow:MlflowDeployer"
    },
    "zenml.integrations.mlflow.model_registries": {
        "MLFlowModelRegistry": "mlstack_nb.flavors.model_registry.mlflow:MlflowRegistry"
    },
    "zenml.io": {"fileio": f"{_FILES}:fileio"},
    "zenml.logger": {"get_logger": f"{_PARTS}:get_logger"},
    "zenml.materializers": {"BaseMaterializer": f"{_WRITERS}:BaseMaterializer"},
    "zenml.materializers.base_materializer": {"BaseMaterializer": f"{_WRITERS}:BaseMaterializer"},
    "zenml.model.model": {"Model": "mlstack_nb:Model"},
    "zenml.pipelines": {"pipeline": f"{_PARTS}:pipeline"},
    "zenml.steps": {**_CONTEXTS, "BaseStep": f"{_PARTS}:ZenmlStep", "step": f"{_PARTS}:step"},
    "zenml.steps.step_context": _CONTEXTS,
    "zenml.types": {name: f"{_WRITERS}:{name}" for name in ("CSVString", "HTMLString", "JSONString", "MarkdownString")},
    "zenml.utils.tag_utils": _TAG,
}

MISSING = {
    "zenml.CommandStep": "Call the command in a step: subprocess.run([...], check=True)",
    "zenml.config.schedule": "Run: mlstack schedule add FILE.py:PIPELINE '0 6 * * *'",
    "zenml.integrations.gcp": "There is no flavor of it yet; `mlstack component flavors` lists those that there are.",
    "zenml.run_hook": "Give hooks to @step or @pipeline: on_success=...",
    "zenml.service_connectors": "A component has its own credentials: `mlstack secret create`, then {{NAME.KEY}}.",
    "zenml.show": "Runs are listed by `mlstack runs list`, and shown in JupyterLab.",
    "zenml.wait": "Split the pipeline in two, and start the second when the answer is there.",
    "zenml.zen_stores": "The catalog is a file of the workspace; ask Client().",
}
"""What of ZenML's has no counterpart, and what to do instead."""
