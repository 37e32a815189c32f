"""The JSON Schema of a result's json file, which comes with the package."""
import json
from pathlib import Path
from typing import Any

SCHEMA_FILE = Path(__file__).with_name('result.schema.json')


def result_schema() -> dict[str, Any]:
    """Schema (draft 2020-12) of what `EmotionResult.to_dict` gives and tools/infer.py writes."""
    return json.loads(SCHEMA_FILE.read_text(encoding='utf-8'))
