from zenml import step
from materializers.xgboost_materializer import XGBoostMaterializer
import xgboost as xgb
import pandas as pd


@step(output_materializers={"model": XGBoostMaterializer})
def train_xgboost(
    X_train: pd.DataFrame,
    y_train: pd.Series,
) -> xgb.Booster:
    dtrain = xgb.DMatrix(X_train, label=y_train)
    params = {"max_depth": 6, "eta": 0.1, "objective": "binary:logistic"}
    model = xgb.train(params, dtrain, num_boost_round=100)
    return model
