/// Requests to an object store over the network: which kind each is of, how often it is tried, what all of them cost, and
/// uploads in parts.
@NullMarked
package io.stillpoint.stores.request;

import org.jspecify.annotations.NullMarked;
