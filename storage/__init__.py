"""Tables and queries; knows nothing of the bot."""
