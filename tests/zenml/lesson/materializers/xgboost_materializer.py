# materializers/xgboost_materializer.py
import os
from typing import Type
import xgboost as xgb
from zenml.materializers.base_materializer import BaseMaterializer
from zenml.enums import ArtifactType


class XGBoostMaterializer(BaseMaterializer):
    """Custom materializer for XGBoost Booster objects."""

    ASSOCIATED_TYPES = (xgb.Booster,)
    ASSOCIATED_ARTIFACT_TYPE = ArtifactType.MODEL

    def load(self, data_type: Type[xgb.Booster]) -> xgb.Booster:
        """Load an XGBoost model from the artifact store."""
        model_path = os.path.join(self.uri, "model.json")
        model = xgb.Booster()
        model.load_model(model_path)
        return model

    def save(self, model: xgb.Booster) -> None:
        """Save an XGBoost model to the artifact store."""
        os.makedirs(self.uri, exist_ok=True)
        model_path = os.path.join(self.uri, "model.json")
        model.save_model(model_path)

    def extract_metadata(self, model: xgb.Booster) -> dict:
        """Extract metadata for MLMD tracking."""
        return {
            "num_trees": model.num_boosted_rounds(),
            "feature_names": model.feature_names,
        }
