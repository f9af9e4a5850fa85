"""Which hosts that people type may be connected to."""

import ipaddress
import socket

import pytest

from tasktracker.lib.addresses import Forbidden, addresses_of, is_public


def test_every_address_of_an_allowed_host_is_given_once(settings):
    settings.OUTBOUND_PRIVATE_HOSTS = ["LocalHost"]

    found = addresses_of("localhost", 993)

    assert ipaddress.ip_address("127.0.0.1") in found
    assert len(found) == len(set(found))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_a_private_host_is_refused_by_name_and_by_number(settings, host):
    settings.OUTBOUND_PRIVATE_HOSTS = []

    with pytest.raises(Forbidden, match="OUTBOUND_PRIVATE_HOSTS"):
        addresses_of(host, 993)


@pytest.mark.parametrize("host", ["a" * 64 + ".com", ".."])
def test_what_is_no_host_has_no_address(host):
    with pytest.raises(socket.gaierror):
        addresses_of(host, 993)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "0.0.0.0", "224.0.0.1", "::1", "::", "fe80::1", "fd00::1", "ff02::1", "::ffff:10.0.0.1",
        "64:ff9b::a9fe:a9fe", "2002:7f00:1::1",
    ],
)  # fmt: skip
def test_an_address_inside_is_told_from_one_outside(address):
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1"])
def test_an_address_outside_is_public(address):
    assert is_public(ipaddress.ip_address(address))
