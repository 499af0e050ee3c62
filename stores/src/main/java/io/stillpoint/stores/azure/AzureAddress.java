package io.stillpoint.stores.azure;

import java.net.URI;

/// Where objects lie.
///
/// @param service the account's address, such as `https://ACCOUNT.blob.core.windows.net`
/// @param prefix empty, or ends with `/`
public record AzureAddress(String account, URI service, String container, String prefix) {
    public AzureAddress {
        if (!prefix.isEmpty() && !prefix.endsWith("/")) {
            throw new IllegalArgumentException("prefix without / at its end: " + prefix);
        }
    }

    @Override
    public String toString() {
        return "azure://"
                + account
                + "/"
                + container
                + (prefix.isEmpty() ? "" : "/" + prefix.substring(0, prefix.length() - 1));
    }
}
