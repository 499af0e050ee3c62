package io.stillpoint.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SecretMaskTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "secret,id=s0,data=hunter2|secret,id=s0,data=***",
                "secret,id=s0,data=a,,b,format=raw|secret,id=s0,data=***,format=raw",
                "{\"qom-type\":\"secret\",\"id\":\"s\",\"data\":\"hun\\\"ter2\"}"
                        + "|{\"qom-type\":\"secret\",\"id\":\"s\",\"data\":\"***\"}",
                "spice,port=1,password=hunter2|spice,port=1,password=***",
                "type=11,value=io.systemd.credential:x=y|type=11,value=***",
                "name=opt/org.example/x,string=hunter2|name=opt/org.example/x,string=***",
                "rbd:pool/image:id=admin:key=AQBx==:conf=/x|rbd:pool/image:id=admin:key=***:conf=/x",
                "https://user:hunter2@host/disk.img|https://user:***@host/disk.img",
                "if=none,file=/a/b.qcow2,password-secret=s0|if=none,file=/a/b.qcow2,password-secret=s0",
                "driver=qcow2,encrypt.key-secret=s0|driver=qcow2,encrypt.key-secret=s0",
                "virtio-net-pci,netdev=n0,mac=52:54:00:00:00:07"
                        + "|virtio-net-pci,netdev=n0,mac=52:54:00:00:00:07"
            })
    void masksWhatMayBeASecretAndNothingElse(String text, String masked) {
        assertThat(SecretMask.apply(text)).isEqualTo(masked);
    }
}
