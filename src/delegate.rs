//! A pointer to an implementation of a trait is an implementation: `Box<dyn Loss<A>>` is a loss, `&Samples<A>` a data set.

/// Implements a trait for pointers, method by method, each by the method of what it points to: first the methods that take
/// `&self`, then, behind `mut:`, those that take `&mut self`.
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
