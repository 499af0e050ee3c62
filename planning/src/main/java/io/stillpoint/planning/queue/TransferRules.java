package io.stillpoint.planning.queue;

/// What a policy says of its transfers.
///
/// @param bandwidth bytes a second that one transfer may take; never 0
/// @param peak when none begins, unless it would miss its deadline
public record TransferRules(LimitsByTime bandwidth, PeakWindows peak) {
    /// No rules.
    public static final TransferRules NONE =
            new TransferRules(LimitsByTime.always(LimitsByTime.UNLIMITED), PeakWindows.NONE);

    public TransferRules {
        if (bandwidth.otherwise() == 0
                || bandwidth.windows().stream().anyMatch(each -> each.limit() == 0)) {
            throw new IllegalArgumentException("a bandwidth of 0: the transfer would never end");
        }
    }
}
