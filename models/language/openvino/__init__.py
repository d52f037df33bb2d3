"""Text generation with OpenVINO, an optional dependency, on a CPU."""
