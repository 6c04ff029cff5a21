//! Every optimizer of the crate, with its plain settings and with all of them.

use manabi::{
    AdaDelta, AdaGrad, Adam, AdamW, Lion, Momentum, NAdam, Nesterov, Optimizer, RAdam, RmsProp, Scalar, Sgd,
};

pub fn all<A: Scalar>() -> Vec<Box<dyn Optimizer<A>>> {
    vec![
        Box::new(Sgd::new(0.1)),
        Box::new(Sgd::new(0.1).weight_decay(0.01)),
        Box::new(Momentum::new(0.05)),
        Box::new(Momentum::new(0.05).momentum(0.5).weight_decay(0.01)),
        Box::new(Nesterov::new(0.05)),
        Box::new(Nesterov::new(0.05).momentum(0.5).weight_decay(0.01)),
        Box::new(AdaGrad::new(0.5)),
        Box::new(AdaGrad::new(0.5).initial_accumulator(0.1).epsilon(1e-6).weight_decay(0.01)),
        Box::new(RmsProp::new(0.02)),
        Box::new(RmsProp::new(0.02).momentum(0.5)),
        Box::new(RmsProp::new(0.02).centered()),
        Box::new(RmsProp::new(0.02).centered().momentum(0.5).weight_decay(0.01)),
        Box::new(AdaDelta::new(10.0)),
        Box::new(AdaDelta::new(10.0).rho(0.5).weight_decay(0.01)),
        Box::new(Adam::new(0.05)),
        Box::new(Adam::new(0.05).betas(0.5, 0.9).amsgrad().weight_decay(0.01)),
        Box::new(AdamW::new(0.05)),
        Box::new(AdamW::new(0.05).amsgrad()),
        Box::new(NAdam::new(0.05)),
        Box::new(NAdam::new(0.05).weight_decay(0.01).decoupled()),
        Box::new(RAdam::new(0.05)),
        Box::new(RAdam::new(0.05).weight_decay(0.01).decoupled()),
        Box::new(Lion::new(0.01)),
        Box::new(Lion::new(0.01).weight_decay(0.01)),
    ]
}
