"""Copied into every logged model; MLflow executes it to create the model, so that nothing is unpickled."""

from mlflow.models import set_model

from ir_transfer.tracking.packaged_model import PackagedModel

set_model(PackagedModel())
