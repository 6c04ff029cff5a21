//! Trait implementations for pointers: `Box<dyn Loss<A>>` is a loss, and `&Samples<A>` is a data set.

/// Implements a trait for pointer types. Each method calls the method of the value behind the pointer. The methods that take
/// `&self` come first. The methods that take `&mut self` follow after `mut:`.
macro_rules! delegate {
    (@one [$($generics:tt)*] $trait:ty, $pointer:ty, {
        $(fn $name:ident(&self $(, $arg:ident: $type:ty)* $(,)?) $(-> $result:ty)?;)*
        $(mut: $(fn $changes:ident(&mut self $(, $new:ident: $new_type:ty)* $(,)?) $(-> $changed:ty)?;)*)?
    }) => {
        impl<$($generics)*> $trait for $pointer {
            $(fn $name(&self $(, $arg: $type)*) $(-> $result)? {
                (**self).$name($($arg),*)
            })*
            $($(fn $changes(&mut self $(, $new: $new_type)*) $(-> $changed)? {
                (**self).$changes($($new),*)
            })*)?
        }
    };
    ($generics:tt $trait:ty, for [$($pointer:ty),+], $methods:tt) => {
        $(delegate!(@one $generics $trait, $pointer, $methods);)+
    };
}
pub(crate) use delegate;
