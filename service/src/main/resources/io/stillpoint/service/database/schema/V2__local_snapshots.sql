-- Snapshots that stay in a VM after their points were made (docs/local-snapshots.md).

create table local_snapshot (
    -- LINEAGE-GENERATION
    name       text   not null primary key,
    host       text   not null,
    vm         text   not null,
    vault      text   not null,
    point      text   not null,
    -- Of one VM, in the order in which they were taken.
    ordinal    bigint not null,
    taken_at   bigint not null,
    keep_until bigint not null,
    -- As JSON: what the hypervisor needs to find it again.
    descriptor text   not null,
    -- Null while it stands.
    ended_at   bigint,
    why        text
);
create index local_snapshot_of_vm on local_snapshot (host, vm, ordinal);

-- The newest points of all VMs are asked for each minute.
drop index point_of_vm;
create index point_of_vm on point (vault, vm, ordinal);
