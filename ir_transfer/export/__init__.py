"""ONNX and OpenVINO files of compact models: tracing, writing, comparison with torch, and inference sessions."""
