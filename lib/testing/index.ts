/// <reference path="../types/hypercore.d.ts" preserve="true" />
/// <reference path="../types/swarm.d.ts" preserve="true" />
/// <reference path="../types/util.d.ts" preserve="true" />

// Tests of contracts: a VM in memory, for any test runner. The public API of vmswarm/testing.

export { testContract, type TestOptions } from './contract.js'
export type { TestVM } from './vm.js'
export type { TestCaller, TestedCall, TestLine } from './caller.js'
export type { TestFiles } from './files.js'
export { CallError } from '../client/errors.js'
export { VMSError } from '../errors.js'
export { FileError } from '../files/errors.js'
