"""A Slack bot that answers with Alibaba Cloud Model Studio (DashScope) apps."""
