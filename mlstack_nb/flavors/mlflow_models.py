"""Models of people as MLflow models: folders that MLflow can load, register and serve."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from pickle import PicklingError
from typing import Any

from mlstack_nb.errors import ConfigError, MissingPackageError
from mlstack_nb.flavors.mlflow_service import failures, reason
from mlstack_nb.ports.registry import qualified_name

# the library that a model's class, or a base of it, comes from -> MLflow's module for it, and its argument
_FLAVORS = {
    "catboost": ("catboost", "cb_model"),
    "keras": ("keras", "model"),
    "lightgbm": ("lightgbm", "lgb_model"),
    "onnx": ("onnx", "onnx_model"),
    "prophet": ("prophet", "pr_model"),
    "sklearn": ("sklearn", "sk_model"),
    "spacy": ("spacy", "spacy_model"),
    "statsmodels": ("statsmodels", "statsmodels_model"),
    "tensorflow": ("tensorflow", "model"),
    "torch": ("pytorch", "pytorch_model"),
    "xgboost": ("xgboost", "xgb_model"),
}
_HINT = "Give a model of scikit-learn or its like, or wrap it: class Mine(mlflow.pyfunc.PythonModel)"


def save_model(model: Any, folder: Path) -> None:
    """Write `model` as an MLflow model; `folder` is made. Requirements are the flavor's own, so that nothing is guessed
    by running the model.

    Raises ConfigError for what MLflow has no flavor for, or can not write.
    """
    import mlflow.pyfunc

    model = _unwrapped(model)
    if isinstance(model, mlflow.pyfunc.PythonModel):
        requirements = mlflow.pyfunc.get_default_pip_requirements()
        with _told(model):
            mlflow.pyfunc.save_model(str(folder), python_model=model, pip_requirements=requirements)
        return
    name, argument = _flavor_of(model)
    try:
        flavor = importlib.import_module(f"mlflow.{name}")
    except ModuleNotFoundError as error:
        raise MissingPackageError(f"MLflow can not save a {qualified_name(type(model))}: {error}.", "") from error
    more = {"serialization_format": "cloudpickle"} if name == "sklearn" else {}
    with _told(model):
        requirements = flavor.get_default_pip_requirements()
        flavor.save_model(**{argument: model}, path=str(folder), pip_requirements=requirements, **more)


def check_servable(folder: Path, what: str) -> None:
    """Raises ConfigError for a model that was written but has no way to predict."""
    from mlflow.models import Model

    if "python_function" not in Model.load(str(folder / "MLmodel")).flavors:
        raise ConfigError(f"MLflow can not serve {what}: it has no `predict`.", _HINT)


def _flavor_of(model: Any) -> tuple[str, str]:
    for base in type(model).__mro__:
        found = _FLAVORS.get(base.__module__.partition(".")[0])
        if found is not None:
            return found
    raise ConfigError(f"MLflow has no flavor for a model of class {qualified_name(type(model))}.", _HINT)


def _unwrapped(model: Any) -> Any:
    """What was saved, of a model that MLflow loaded as a function."""
    import mlflow.pyfunc

    if not isinstance(model, mlflow.pyfunc.PyFuncModel):
        return model
    try:
        return model.unwrap_python_model()
    except mlflow.MlflowException:
        return model.get_raw_model()


@contextmanager
def _told(model: Any) -> Iterator[None]:
    """What MLflow says against pickles is known: what the store has of a model is one, too."""
    loggers = [logging.getLogger(f"mlflow.{name}") for name in ("pyfunc", "sklearn")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    known: tuple[type[Exception], ...] = (*failures(), AttributeError, PicklingError, TypeError, ValueError)
    try:
        yield
    except known as error:
        what = f"MLflow can not save the {qualified_name(type(model))}: {reason(error)}"
        raise ConfigError(what, _HINT) from error
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
