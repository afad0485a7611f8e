import { describe, expect, test } from '@jest/globals';
import { createAddresses } from '../../doors/addresses.ts';

const from = (remoteAddress: string | undefined, forwarded?: string) => ({
  headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
  socket: { remoteAddress },
});

describe('without proxies that are trusted', () => {
  const { addressOf } = createAddresses();

  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:c000:0201', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '20010db800010002/64'],
    ['2001:db8:1:2::', '20010db800010002/64'],
    ['2001:DB8:1:2:ffff::1', '20010db800010002/64'],
    ['2001:db8:1:3::1', '20010db800010003/64'],
    ['fe80::1%eth0', 'fe80000000000000/64'],
    ['::1', '0000000000000000/64'],
  ])('%s counts as %s', (address, expected) => {
    expect(addressOf(from(address))).toBe(expected);
  });

  test('nobody can say that it comes from elsewhere', () => {
    expect(addressOf(from('192.0.2.1', '198.51.100.7'))).toBe('192.0.2.1');
  });

  test('a connection that is gone has none', () => {
    expect(addressOf(from(undefined))).toBe('');
  });
});

describe('behind proxies', () => {
  const { addressOf, addressOfConnection } = createAddresses(['10.0.0.0/8', '192.0.2.1', '2001:db8::/32']);

  test.each([
    ['what the proxy says counts', '10.1.2.3', '198.51.100.7', '198.51.100.7'],
    ['also over IPv6 sockets', '::ffff:10.1.2.3', '198.51.100.7', '198.51.100.7'],
    ['and through several', '192.0.2.1', '198.51.100.7, 10.9.9.9,2001:db8::5', '198.51.100.7'],
    ['not what the caller says itself', '10.1.2.3', '203.0.113.9, 198.51.100.7', '198.51.100.7'],
    ['with a port', '10.1.2.3', '198.51.100.7:4711', '198.51.100.7'],
    ['as IPv6 with a port', '10.1.2.3', '[2001:db9::1]:4711', '20010db900000000/64'],
    ['but by nobody else', '198.51.100.8', '198.51.100.7', '198.51.100.8'],
    ['that say nothing', '10.1.2.3', undefined, '10.1.2.3'],
    ['that say what is no address', '10.1.2.3', '203.0.113.9, unknown', '10.1.2.3'],
    ['that know only one another', '10.1.2.3', '10.2.2.2', '10.2.2.2'],
    ['that say nothing at length', '10.1.2.3', ',,,,', '10.1.2.3'],
  ])('%s', (_what, address, forwarded, expected) => {
    expect(addressOf(from(address, forwarded))).toBe(expected);
  });

  test.each([
    ['10.1.2.3', null],
    ['::ffff:10.1.2.3', null],
    ['2001:db8::1', null],
    ['198.51.100.7', '198.51.100.7'],
    ['fe80::1%eth0', 'fe80000000000000/64'],
    [undefined, ''],
  ])('a connection from %s counts for %s', (remoteAddress, expected) => {
    expect(addressOfConnection({ remoteAddress })).toBe(expected);
  });
});

test.each(['proxy.example', '10.0.0.0/33', '', '10.0.0.0/8/8'])('%p is no proxy', (proxy) => {
  expect(() => createAddresses([proxy])).toThrow(TypeError);
});

test('a connection through a proxy that is gone has no address, whatever the proxy said', () => {
  expect(createAddresses(['10.0.0.0/8']).addressOf(from(undefined, '198.51.100.7'))).toBe('');
});

test.each([
  ['x198.51.100.7:4711', '10.1.2.3'],
  ['x[2001:db9::1]:4711', '10.1.2.3'],
])('a proxy that says %s has said no address', (forwarded, expected) => {
  expect(createAddresses(['10.0.0.0/8']).addressOf(from('10.1.2.3', forwarded))).toBe(expected);
});

test('networks are read whole, in letters of either case, and what is wrong with one is told', () => {
  expect(() => createAddresses(['zz10.0.0.0/8'])).toThrow('TRUSTED_PROXIES: zz10.0.0.0/8 is no address');
  expect(createAddresses(['2001:DB8::/32']).addressOf(from('2001:db8::5', '198.51.100.7'))).toBe(
    '198.51.100.7',
  );
});
