// A contract's methods as those of an object: what they are typed as, and how they are reached.

type Method = (...args: never[]) => unknown

/** The methods of a contract as a client has them. */
export type Methods<Contract> = {
  [
    Name in keyof Contract as Contract[Name] extends Method ? (Name extends 'init' ? never : Name) : never
  ]: Contract[Name] extends (...args: infer Args) => infer Result
    ? (...args: Args) => Promise<Awaited<Result>>
    : never
}

/** A contract of which nothing is known. */
export interface AnyContract {
  // what a method returns depends on the contract: give its type to have it checked
  [method: string]: (...args: unknown[]) => unknown
}

/**
 * An object with a method for every name that it does not use itself: it calls the contract.
 * @param uses whether a member of the object is there for others too
 */
export function withMethods<T extends object>(
  members: T,
  call: (method: string, args: unknown[]) => Promise<unknown>,
  uses: (name: string) => boolean = () => true
): T {
  const proxy = new Proxy<T>(members, {
    get(target, name) {
      // an object with a method `then` could not be awaited
      if (typeof name !== 'symbol' && name !== 'then' && !(name in target && uses(name)))
        return (...args: unknown[]) => call(name, args)
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function' || name === 'constructor') return member
      // what it does with its own members is nobody else's: a contract may have methods that are named like them
      return (...args: unknown[]) => {
        const result: unknown = Reflect.apply(member, target, args)
        return result === target ? proxy : result
      }
    }
  })
  return proxy
}
