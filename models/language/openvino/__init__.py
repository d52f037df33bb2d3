"""Text generation with OpenVINO, an optional dependency, on a CPU."""

from __future__ import annotations

import sys
from typing import Any, cast

# Otherwise the import of openvino writes an id to the home folder and reports its use to Google Analytics.
cast("dict[str, Any]", sys.modules)["openvino_telemetry"] = None
