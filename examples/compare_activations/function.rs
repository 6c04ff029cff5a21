//! The activation functions in the comparison.

use manabi::activation::{
    Celu, Elu, Gelu, GeluTanh, HardSigmoid, HardSwish, HardTanh, Identity, LeakyRelu, LogSigmoid, PRelu,
    Relu6, Selu, Sigmoid, Softplus, Softsign, Tanh, TanhExp,
};
use manabi::init::Initializer;
use manabi::layer::TrainableActivation;
use manabi::{Activation, Layer, Mish, Relu, Scalar, Swish};

use crate::Result;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Function {
    Relu,
    LeakyRelu,
    PRelu,
    Relu6,
    Elu,
    Selu,
    Celu,
    Gelu,
    GeluTanh,
    Swish(f64),
    /// Swish with a learned β per layer, which starts at 1.
    TrainableSwish,
    Mish,
    TanhExp,
    HardSwish,
    Softplus,
    Softsign,
    Tanh,
    HardTanh,
    Sigmoid,
    HardSigmoid,
    LogSigmoid,
    /// No activation.
    Identity,
}

use Function as F;

/// The functions and their names.
const NAMES: [(&str, Function); 22] = [
    ("relu", F::Relu),
    ("leaky_relu", F::LeakyRelu),
    ("prelu", F::PRelu),
    ("relu6", F::Relu6),
    ("elu", F::Elu),
    ("selu", F::Selu),
    ("celu", F::Celu),
    ("gelu", F::Gelu),
    ("gelu_tanh", F::GeluTanh),
    ("swish", F::Swish(1.0)),
    ("trainable_swish", F::TrainableSwish),
    ("mish", F::Mish),
    ("tanh_exp", F::TanhExp),
    ("hard_swish", F::HardSwish),
    ("softplus", F::Softplus),
    ("softsign", F::Softsign),
    ("tanh", F::Tanh),
    ("hard_tanh", F::HardTanh),
    ("sigmoid", F::Sigmoid),
    ("hard_sigmoid", F::HardSigmoid),
    ("log_sigmoid", F::LogSigmoid),
    ("identity", F::Identity),
];

impl Function {
    /// Returns the article's functions.
    pub fn article() -> Vec<Self> {
        vec![F::Relu, F::Swish(1.0), F::Mish]
    }

    /// Returns ReLU and the smooth functions that later networks prefer to it.
    pub fn smooth() -> Vec<Self> {
        vec![F::Relu, F::Swish(1.0), F::Mish, F::Gelu]
    }

    /// Returns the study's functions: all, including Swish with β = 0.5 and 2.
    pub fn all() -> Vec<Self> {
        let functions = NAMES.into_iter().map(|(_, function)| function);
        functions
            .flat_map(|function| match function {
                F::Swish(_) => [0.5, 1.0, 2.0].map(F::Swish).to_vec(),
                function => vec![function],
            })
            .collect()
    }

    /// Parses a function's name; `swish:2` is Swish with β = 2.
    pub fn parse(name: &str) -> Result<Self> {
        if let Some(beta) = name.strip_prefix("swish:") {
            return match beta.parse::<f64>() {
                Ok(beta) if beta.is_finite() => Ok(F::Swish(beta)),
                _ => Err(format!("--activations: expected a finite β after swish:, got {beta}").into()),
            };
        }
        let function = NAMES.into_iter().find(|&(other, _)| other == name).map(|(_, function)| function);
        function.ok_or_else(|| {
            let names = NAMES.map(|(name, _)| name).join(", ");
            format!("--activations: expected some of {names}, swish:β, got {name}").into()
        })
    }

    /// Returns the name without parameters.
    pub fn name(&self) -> &'static str {
        if let F::Swish(_) = self {
            return "swish";
        }
        NAMES.into_iter().find(|(_, function)| function == self).map_or("", |(name, _)| name)
    }

    /// Returns β if the function is Swish.
    pub fn beta(&self) -> Option<f64> {
        if let F::Swish(beta) = *self { Some(beta) } else { None }
    }

    /// Returns the name for display.
    pub fn label(&self) -> String {
        match self {
            F::Swish(beta) if *beta != 1.0 => format!("swish β={beta}"),
            other => other.name().replace('_', " "),
        }
    }

    /// Checks whether the function has a learned parameter.
    pub fn learns(&self) -> bool {
        matches!(self, F::PRelu | F::TrainableSwish)
    }

    /// Returns the weight initialiser: He normal, as in the article, and LeCun normal for SELU, which requires it.
    pub fn initializer(&self) -> Initializer {
        if *self == F::Selu { Initializer::LECUN_NORMAL } else { Initializer::HE_NORMAL }
    }

    pub fn layer<A: Scalar>(&self) -> Box<dyn Layer<A>> {
        match *self {
            F::Relu => Box::new(Activation::new(Relu)),
            F::LeakyRelu => Box::new(Activation::new(LeakyRelu::default())),
            F::PRelu => Box::new(TrainableActivation::new(PRelu::default())),
            F::Relu6 => Box::new(Activation::new(Relu6)),
            F::Elu => Box::new(Activation::new(Elu::default())),
            F::Selu => Box::new(Activation::new(Selu)),
            F::Celu => Box::new(Activation::new(Celu::new(0.5))),
            F::Gelu => Box::new(Activation::new(Gelu)),
            F::GeluTanh => Box::new(Activation::new(GeluTanh)),
            F::Swish(beta) => Box::new(Activation::new(Swish::new(beta))),
            F::TrainableSwish => Box::new(TrainableActivation::new(Swish::default())),
            F::Mish => Box::new(Activation::new(Mish)),
            F::TanhExp => Box::new(Activation::new(TanhExp)),
            F::HardSwish => Box::new(Activation::new(HardSwish)),
            F::Softplus => Box::new(Activation::new(Softplus::default())),
            F::Softsign => Box::new(Activation::new(Softsign)),
            F::Tanh => Box::new(Activation::new(Tanh)),
            F::HardTanh => Box::new(Activation::new(HardTanh)),
            F::Sigmoid => Box::new(Activation::new(Sigmoid)),
            F::HardSigmoid => Box::new(Activation::new(HardSigmoid)),
            F::LogSigmoid => Box::new(Activation::new(LogSigmoid)),
            F::Identity => Box::new(Activation::new(Identity)),
        }
    }
}
