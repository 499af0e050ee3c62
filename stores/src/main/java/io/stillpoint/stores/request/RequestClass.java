package io.stillpoint.stores.request;

/// What stores charge for apart.
public enum RequestClass {
    /// Writing and listing.
    PUT,
    /// Reading, and asking for an object's properties.
    GET,
    /// Deleting: free of charge on most stores.
    DELETE
}
