"""What the operator can measure; `/metrics` shows it in Prometheus' text format."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600)


class Metrics:
    """Every metric of one process, in a registry of its own.

    Label values are closed sets: outcomes, methods and classes of error, never ids or names.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.messages = Counter(
            "dashscope_slack_messages",
            "Messages Slack delivered: claimed, duplicate, ignored or failed; "
            "unsigned are requests of any kind whose signature is not Slack's.",
            ["outcome"],
            registry=self.registry,
        )
        self.turns = Counter(
            "dashscope_slack_turns",
            "Turns that ended, by outcome.",
            ["outcome"],
            registry=self.registry,
        )
        self.queued = Gauge(
            "dashscope_slack_turns_queued", "Turns that wait.", registry=self.registry
        )
        self.running = Gauge(
            "dashscope_slack_turns_running", "Turns this process runs.", registry=self.registry
        )
        self.first_words = Histogram(
            "dashscope_slack_first_words_seconds",
            "From the claim to the first words in Slack.",
            buckets=SECONDS,
            registry=self.registry,
        )
        self.answer = Histogram(
            "dashscope_slack_answer_seconds",
            "From the claim to the confirmed final text.",
            buckets=SECONDS,
            registry=self.registry,
        )
        self.final_delay = Histogram(
            "dashscope_slack_final_delay_seconds",
            "From the last event of the answer to the confirmed final text.",
            buckets=SECONDS,
            registry=self.registry,
        )
        self.slack_calls = Counter(
            "dashscope_slack_web_api_calls",
            "Calls of Slack's Web API: ok, throttled, unavailable or refused.",
            ["method", "outcome"],
            registry=self.registry,
        )
        self.slack_waits = Histogram(
            "dashscope_slack_web_api_wait_seconds",
            "How long a call waited for its workspace's budget.",
            ["method"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self.questions = Counter(
            "dashscope_slack_app_requests",
            "Requests to DashScope: ok, cut, left (nobody read on), or the class of the error.",
            ["outcome"],
            registry=self.registry,
        )
        self.socket_live = Gauge(
            "dashscope_slack_socket_live",
            "1 while the Socket Mode connection answers pings.",
            registry=self.registry,
        )

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)
