package io.stillpoint.guest;

import tools.jackson.databind.JsonNode;

/// What the agent says to a command.
sealed interface AgentReply {
    record Returned(JsonNode value) implements AgentReply {}

    /// @param errorClass such as `GenericError` or `CommandNotFound`
    record Refused(String errorClass, String description) implements AgentReply {}
}
