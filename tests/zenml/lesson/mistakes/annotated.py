from zenml import step
from sklearn.ensemble import RandomForestClassifier

# CORRECT
from sklearn.base import ClassifierMixin
from typing import Annotated


@step
def train_model(X_train, y_train) -> Annotated[ClassifierMixin, "trained_model"]:
    return RandomForestClassifier().fit(X_train, y_train)
