from zenml import step
from zenml.integrations.mlflow.experiment_trackers import MLFlowExperimentTracker
from typing import Tuple, Annotated
import pandas as pd
from sklearn.base import ClassifierMixin


@step
def load_data(
    dataset_path: str,
    test_fraction: float = 0.2,
) -> Tuple[
    Annotated[pd.DataFrame, "X_train"],
    Annotated[pd.DataFrame, "X_test"],
    Annotated[pd.Series, "y_train"],
    Annotated[pd.Series, "y_test"],
]:
    """Load and split the dataset."""
    from sklearn.model_selection import train_test_split

    df = pd.read_parquet(dataset_path)
    feature_cols = [c for c in df.columns if c != "label"]
    X, y = df[feature_cols], df["label"]

    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=test_fraction, random_state=42, stratify=y)
    return X_train, X_test, y_train, y_test


# Not in the lesson, which calls them in its next block:


@step
def train_model(
    X_train: pd.DataFrame, y_train: pd.Series, n_estimators: int = 100, max_depth: int = 5
) -> Annotated[ClassifierMixin, "model"]:
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(n_estimators=n_estimators, max_depth=max_depth, random_state=0)
    return forest.fit(X_train.to_numpy(), y_train)


@step
def evaluate_model(
    model: ClassifierMixin, X_test: pd.DataFrame, y_test: pd.Series
) -> Annotated[dict, "evaluation_results"]:
    return {"accuracy": float(model.score(X_test.to_numpy(), y_test))}


@step
def deploy_model_step(model: ClassifierMixin, evaluation_results: dict, deploy_threshold: float = 0.85) -> bool:
    return evaluation_results["accuracy"] >= deploy_threshold
