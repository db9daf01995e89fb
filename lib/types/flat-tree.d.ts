// The parts of the untyped package that are used here.

declare module 'flat-tree' {
  const flat: {
    fullRoots(index: number): number[]
    parent(index: number): number
    leftChild(index: number): number
    rightChild(index: number): number
    leftSpan(index: number): number
    rightSpan(index: number): number
  }
  export default flat
}
